"""What passes between a form and the Studio: where somebody came from, and what they chose, both signed for them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from django.core import signing

from imagen.exceptions import BadSignature, Expired

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

LIFETIME = timedelta(days=1)
WHITE = "#fff"
T = TypeVar("T", bound="_Signed")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signed:
    """A value that one person may bring back within a day."""

    def sign(self, user: AbstractBaseUser) -> str:
        """This value as text for this person."""
        return signing.dumps({"user": str(user.pk), **asdict(self)}, salt=_salt(type(self)), compress=True)

    @classmethod
    def read(cls: type[T], text: str, user: AbstractBaseUser) -> T:
        """The value in this text; ``BadSignature`` when it is forged or somebody else's, ``Expired`` after a day."""
        return cls._read(text, user, max_age=LIFETIME)

    @classmethod
    def _read(cls: type[T], text: str, user: AbstractBaseUser, *, max_age: timedelta | None) -> T:
        try:
            said: dict[str, Any] = signing.loads(text, salt=_salt(cls), max_age=max_age)
        except signing.SignatureExpired as error:
            raise Expired("the token is more than a day old") from error
        except signing.BadSignature as error:
            raise BadSignature("the token is forged") from error
        if said.pop("user") != str(user.pk):
            raise BadSignature("the token is somebody else's")
        try:
            return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in said.items()})
        except TypeError as error:  # signed by a release that said more or less
            raise Expired("the token is from another release") from error


def _salt(kind: type) -> str:
    return f"imagen.doors.{kind.__name__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Door(_Signed):
    """A field to fill: ``place`` is ``app.model.field``, ``place_id`` its object or empty, then what fits there.

    ``ratio`` is the shape of the slot ("16:9", empty: any), ``crops`` further shapes it will be cut to. ``alt`` tells
    whether the form has a field for the alt text. ``target`` says what comes back: a ``file`` for an image field, or
    an ``object`` for a relation to imagen's own pictures. ``text_box`` is where words will lie on the picture (left,
    top, width, height, in per cent of it as it is cut; empty: nowhere), ``text_colour`` their colour.
    """

    place: str = ""
    place_id: str = ""
    ratio: str = ""
    crops: tuple[str, ...] = ()
    alt: bool = False
    target: str = "file"
    text_box: tuple[int, ...] = ()
    text_colour: str = WHITE

    @classmethod
    def renew(cls, text: str, user: AbstractBaseUser) -> str:
        """This text signed today, however old it is; ``BadSignature`` when it is forged or somebody else's."""
        return cls._read(text, user, max_age=None).sign(user)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick(_Signed):
    """A picture somebody chose for ``place``, with what they said of it.

    ``meaning`` is one of ``Meaning``; ``alt_text`` is empty only where it decorates. ``name`` is the file's name
    without its ending. ``focal`` is the focal point in per cent from the left and the top. ``crop`` is the shape it is
    cut to when it is placed, empty: as it is. ``disclosure`` is one of ``Disclosure``, with the ``reason`` for a no and
    the version of the ``question``; empty where nobody was asked.
    """

    image: str
    place: str
    meaning: str
    alt_text: str = ""
    name: str = ""
    focal: tuple[int, ...] = (50, 50)
    crop: str = ""
    disclosure: str = ""
    reason: str = ""
    question: int = 0

"""What an image field wants of a picture, and how one person gets from it to the Studio and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from imagen import placing, registry
from imagen.doors import WHITE, Door, Pick
from imagen.exceptions import BadSignature, Expired

if TYPE_CHECKING:
    from django.contrib.auth.models import User

EXPIRED = _("The picture was chosen more than a day ago. Choose it again: it is still among your pictures.")
FILE, OBJECT = "file", "object"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A field of the form whose words begin the description, at most so many characters of it; 0: all."""

    name: str
    most: int = 0


@dataclass(frozen=True, slots=True)
class Slot:
    """What fits a field: its shape, the field of its alt text, and where the description comes from.

    ``prompt_from`` names fields of the same form, or of the form an inline stands in; ``"body:400"`` takes the first
    400 characters. ``crops`` are further shapes the picture will be cut to elsewhere. ``text_box`` is where the page
    lays words over it (left, top, width, height, in per cent of what the field shows), ``text_colour`` their colour.
    """

    ratio: str = ""
    _: KW_ONLY
    alt: str = ""
    prompt_from: Sequence[str] = ()
    crops: Sequence[str] = ()
    text_box: Sequence[int] = ()
    text_colour: str = WHITE

    @property
    def sources(self) -> tuple[Source, ...]:
        """``prompt_from``, read."""
        return tuple(map(_source, self.prompt_from))


def _source(text: str) -> Source:
    name, _colon, most = text.partition(":")
    return Source(name=name.strip(), most=int(most) if most.strip().isdecimal() else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """One field as one person may fill it; ``studio`` is the Studio's address, empty where it is not there."""

    slot: Slot
    place: str
    label: str
    user: User
    studio: str
    target: str = FILE
    known: dict[str, placing.Earlier | None] | None = None  # for the rows of an inline, which ask one after the other

    def row(self, place_id: str) -> dict[str, Any]:
        """What stands under the field: nothing for those who may not generate, or a word on what is missing."""
        if not self.studio or not self.user.has_perm("imagen.generate"):
            return {}
        if not registry.configured():
            return {"unready": f"{self.studio}setup/"} if self.user.has_perm("imagen.view_alarm") else {}
        return {**self._ways(place_id), "words": self._words()}

    def _ways(self, place_id: str) -> dict[str, Any]:
        slot = self.slot
        door = Door(
            place=self.place,
            place_id=place_id,
            ratio=slot.ratio,
            crops=tuple(slot.crops),
            alt=bool(slot.alt),
            target=self.target,
            text_box=tuple(slot.text_box),
            text_colour=slot.text_colour,
        )
        asked = {"door": door.sign(self.user)} | ({"_popup": 1} if self.target == OBJECT else {})
        earlier = self._earlier(place_id)
        again = earlier and f"{self.studio}?{urlencode({**asked, 'run': earlier.run})}"
        return {"address": f"{self.studio}?{urlencode(asked)}", "earlier": earlier, "again": again}

    def _earlier(self, place_id: str) -> placing.Earlier | None:
        if self.known is None:
            return placing.earlier(self.user, self.place, place_id)
        if not self.known:
            self.known.update(placing.earlier_each(self.user, self.place))
        return self.known.get(place_id, self.known[""])

    def _words(self) -> str:
        return json.dumps([[source.name, source.most] for source in self.slot.sources])

    def pick(self, token: str) -> Pick | None:
        """What this person chose for this field; nothing when it is forged or meant for another."""
        try:
            found = Pick.read(token, self.user) if token else None
        except Expired as error:
            raise ValidationError(EXPIRED, code="expired") from error
        except BadSignature:
            return None
        return found if found and found.place == self.place else None

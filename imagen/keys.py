"""How an API key is written: ``imagen_``, what it is looked up by, a secret, and a sum that finds slips of the hand."""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib
from dataclasses import dataclass, field

PREFIX = "imagen_"  # what scanners for secrets look for
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_HANDLE, _SECRET, _SUM = 8, 32, 6  # 32 signs of 62 are 190 bits
_FORM = re.compile(rf"{PREFIX}(?P<handle>[0-9A-Za-z]{{{_HANDLE}}})_(?P<rest>[0-9A-Za-z]{{{_SECRET + _SUM}}})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key as it is kept: ``handle`` finds it, ``digest`` proves it; ``text`` is the key itself and never shows."""

    text: str = field(repr=False)
    handle: str
    digest: str = field(repr=False)

    @property
    def last_four(self) -> str:
        """The end of it, by which people know it again."""
        return self.text[-4:]


def mint() -> Key:
    """A new key that nobody can guess."""
    signs = "".join(secrets.choice(_ALPHABET) for _ in range(_HANDLE + _SECRET))
    body = f"{PREFIX}{signs[:_HANDLE]}_{signs[_HANDLE:]}"
    return _key(body + _sum(body))


def read(text: str) -> Key | None:
    """The key in this text; ``None`` when it is none, or not whole."""
    if not _FORM.fullmatch(text) or not secrets.compare_digest(_sum(text[:-_SUM]), text[-_SUM:]):
        return None
    return _key(text)


def _key(text: str) -> Key:
    handle = text.removeprefix(PREFIX)[:_HANDLE]
    return Key(text=text, handle=handle, digest=hashlib.sha256(text.encode()).hexdigest())


def _sum(body: str) -> str:
    """Six signs that change with any other."""
    rest, signs = zlib.crc32(body.encode()), ""
    for _ in range(_SUM):
        rest, sign = divmod(rest, len(_ALPHABET))
        signs = _ALPHABET[sign] + signs
    return signs

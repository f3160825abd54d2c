"""A gateway's words, fit to keep and to show."""

from __future__ import annotations

import re

from imagen.types import Reply

_NOISE = re.compile("\x1b\\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_MOST = 5000  # characters anybody looks at
_QUOTED = 2000


def cleaned(text: str, *, limit: int, secrets: tuple[str, ...]) -> str:
    """The text without control characters and without these secrets, at most so many characters."""
    bare = _NOISE.sub("", text[:_MOST])
    for secret in filter(None, secrets):
        bare = bare.replace(secret, "***")
    if len(text) > _MOST:  # the cut may have gone through one of them
        bare = bare[: -max(map(len, secrets), default=0) or None]
    return bare[:limit]


def quoted(reply: Reply, *, secrets: tuple[str, ...]) -> str:
    """A reply as administrators may read it: its status and 2000 characters, without these secrets."""
    text = reply.body[: 4 * _MOST].decode(errors="replace")
    return f"HTTP {reply.status}\n{cleaned(text, limit=_QUOTED, secrets=secrets)}"

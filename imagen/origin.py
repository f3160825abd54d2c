"""Where a request came from: the field it is for, the picture it grew out of, and how its words were put together."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a door knows beside the request itself.

    ``place`` names a field as ``app.model.field``, ``place_id`` its object, empty while that is not saved. ``parent``
    is the generation it was varied from. ``wording`` is ``{"own": str, "parts": [{"name", "version", "words"}]}``.
    ``slots`` are further shapes its pictures are shown cut to. ``unseen``: tell the person on their next page when it
    is ready.
    """

    place: str = ""
    place_id: str = ""
    parent: uuid.UUID | None = None
    wording: Mapping[str, Any] = field(default_factory=dict)
    slots: tuple[str, ...] = ()
    unseen: bool = False

    def columns(self) -> dict[str, Any]:
        """The same as the generation's columns."""
        return {
            "place": self.place,
            "place_id": self.place_id,
            "parent_id": self.parent,
            "wording": dict(self.wording),
            "slots": list(self.slots),
            "unseen": self.unseen,
        }

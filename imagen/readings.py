"""How well words are read on our pictures: measured once on the small copy, and kept in Django's cache."""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from PIL import Image as Pillow

from imagen import contrast, files, placing
from imagen.contrast import Reading
from imagen.doors import Door
from imagen.hauls import fits
from imagen.models import Image

logger = logging.getLogger("imagen")
KEPT_SECONDS = 7 * 24 * 3600
AGAIN_SECONDS = 300  # a file that could not be read is left alone for so long


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A picture as a field shows it, cut around this focal point; ``ratio`` is empty where it is not cut."""

    image: Image
    door: Door
    ratio: str
    focal: tuple[int, int]

    @classmethod
    def of(cls, image: Image, door: Door, focal: tuple[int, int] | None = None) -> Cut:
        """As it is placed when nobody says otherwise."""
        ratio = "" if not door.ratio or fits(image.width, image.height, door.ratio) else door.ratio
        return cls(image=image, door=door, ratio=ratio, focal=focal or (image.focal_x, image.focal_y))

    @property
    def key(self) -> str:
        """Its name in the cache; a file never changes under its name."""
        focal = self.focal if self.ratio else ()
        said = (str(self._file.name), self.ratio, focal, self.door.text_box, self.door.text_colour)
        return f"imagen.reading.1.{hashlib.sha256(repr(said).encode()).hexdigest()}"

    @property
    def _file(self) -> Any:
        return self.image.thumbnail or self.image.file

    def measure(self) -> Reading:
        """Open it and look."""
        with self._file.open() as file:
            picture: Any = Pillow.open(io.BytesIO(file.read()), formats=tuple(files.FORMATS))
        if self.ratio:
            picture = picture.crop(placing.part(picture.size, self.ratio, self.focal))
        return contrast.measure(picture, box=self.door.text_box, colour=self.door.text_colour)


def look(cuts: Iterable[Cut], *, patient: bool = True) -> dict[Image, Reading]:
    """What is known of each; who is not ``patient`` opens no file. Without a cache nothing is known."""
    keys = {cut.key: cut for cut in cuts}
    try:
        known: dict[str, tuple[Any, ...]] = cache.get_many(keys) if keys else {}
        for key in keys.keys() - known.keys() if patient else ():
            known[key] = _measured(keys[key])
            cache.set(key, known[key], KEPT_SECONDS if known[key] else AGAIN_SECONDS)
    except Exception as error:  # each cache has errors of its own
        logger.warning("the cache does not answer (%s): nothing is said of words on pictures", type(error).__name__)
        return {}
    return {keys[key].image: Reading(ratio=said[0], busy=said[1]) for key, said in known.items() if said}


def _measured(cut: Cut) -> tuple[Any, ...]:
    """Contrast and busyness; nothing when the file cannot be read."""
    try:
        found = cut.measure()
    except Exception as error:  # a storage backend may raise anything, and Pillow nearly so
        logger.warning("words on a picture were not measured (%s)", type(error).__name__)
        return ()
    return found.ratio, found.busy

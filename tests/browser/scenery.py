"""What the services of the tests paint: landscapes that show what was asked for, the same in every run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from imagen.painting import paint
from imagen.testing.ledger import Job

BAY = "A calm bay at sunset, the sun low over the water"
LAKE = "A mountain lake at noon, firs along the shore"
DUNES = "Wide dunes at noon under a pale sky"
STARS = "Dark blue hills under the stars, a thin moon"
WOODS = "Wooded hills in the evening sun"
SCENES: Mapping[str, tuple[int, ...]] = {BAY: (26, 33), LAKE: (39,), DUNES: (31,), STARS: (2, 19, 0), WOODS: (14,)}


def scenery(job: Job, name: str, size: tuple[int, int]) -> bytes:
    """The picture of this name: what its description says, or any landscape."""
    index = int(name.rpartition("-")[2].partition(".")[0])
    known = SCENES.get(job.prompt, ())
    scene = f"scene {known[index % len(known)]}" if known else f"{job.prompt} {index}"
    return painted(scene, size, form=job.form)


def painted(scene: str, size: tuple[int, int], *, form: str = "png") -> bytes:
    """The landscape of this name."""
    return paint(digest=hashlib.sha256(scene.encode()).digest(), size=size, caption="", output_format=form)

"""Putting a picture to use: a copy for a field, and the record of who placed what where."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import Model
from django.db.models.fields.files import FieldFile
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from PIL import Image as Pillow
from PIL import ImageOps

from imagen import files, renditions
from imagen.doors import Pick
from imagen.exceptions import OutputError
from imagen.models import Generation, Image, Meaning, Placement
from imagen.models.image import ImageQuerySet
from imagen.states import Review

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.auth.models import AbstractBaseUser

    Bytes = ContentFile[bytes]
else:  # it cannot be subscripted at run time
    Bytes = ContentFile

MOST = 100
MOST_OF_A_PLACE = 1000
LONGEST_NAME = 60
LONGEST_ALT, LONGEST_FILE = 500, 300  # of the record
QUALITY = 92


def placeable(user: AbstractBaseUser) -> ImageQuerySet:
    """The pictures this person may put to use: theirs to see, and neither held nor rejected."""
    withheld = (Review.HELD, Review.REJECTED)
    return Image.objects.of(user).standing().exclude(review__in=withheld)


# --- pictures there are already ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """Pictures to choose from, the request of the newest, and whether they were made for this very field."""

    count: int
    run: UUID
    here: bool

    @property
    def many(self) -> bool:
        """Whether there are more than were counted."""
        return self.count > MOST


def earlier(user: AbstractBaseUser, place: str, place_id: str) -> Earlier | None:
    """What this person could use instead of a new picture: made for this object's field, else their own."""
    found = placeable(user).filter(discarded_at=None)
    here = found.filter(generation__place=place, generation__place_id=place_id)
    return (_counted(here, here=True) if place_id else None) or _counted(found.filter(generation__user=user.pk))


def earlier_each(user: AbstractBaseUser, place: str) -> dict[str, Earlier | None]:
    """The same for the rows of an inline, by their ids, in two questions; ``""`` is what else this person has."""
    runs: dict[str, list[UUID]] = {}
    found = placeable(user).filter(discarded_at=None, generation__place=place).exclude(generation__place_id="")
    for place_id, run in found.values_list("generation__place_id", "generation_id")[:MOST_OF_A_PLACE]:
        runs.setdefault(place_id, []).append(run)
    known = {place_id: Earlier(count=len(each), run=each[0], here=True) for place_id, each in runs.items()}
    return {"": earlier(user, place, ""), **known}


def _counted(found: ImageQuerySet, *, here: bool = False) -> Earlier | None:
    runs = list(found.values_list("generation_id", flat=True)[: MOST + 1])
    return Earlier(count=len(runs), run=runs[0], here=here) if runs else None


# --- the file ---


class PickedFile(Bytes):
    """A copy of a picture for a field, and what was said of it in the Studio."""

    def __init__(self, data: bytes, *, name: str, pick: Pick, image: Image) -> None:
        super().__init__(data, name=name)
        self.imagen_pick, self.imagen_image = pick, image


def take(pick: Pick, user: AbstractBaseUser) -> PickedFile:
    """The file for what was chosen, named and cut as was said; ``ValidationError`` when it cannot be had any more."""
    image = placeable(user).filter(pk=pick.image).first()
    if image is None:
        raise ValidationError(_("This picture was deleted or withheld meanwhile. Choose another."), code="gone")
    data = _finished(_read(image), pick, system=image.provider_model)
    return PickedFile(data, name=_name(pick, image), pick=pick, image=image)


def _finished(data: bytes, pick: Pick, *, system: str) -> bytes:
    """Cut to the shape that was chosen, and marked in any case."""
    try:
        return files.prepare(cut(data, ratio=pick.crop, focal=pick.focal) if pick.crop else data, system=system).data
    except (OutputError, OSError) as error:
        raise ValidationError(_("The picture's file is damaged. Choose another picture."), code="damaged") from error


def _read(image: Image) -> bytes:
    try:
        with image.file.open() as file:
            data: bytes = file.read()
    except Exception as error:  # a storage backend may raise anything
        said = _("The picture cannot be read just now. Try again in a moment.")
        raise ValidationError(said, code="unreadable") from error
    return data


def _name(pick: Pick, image: Image) -> str:
    ending = PurePath(str(image.file.name)).suffix
    return f"{slug(pick.name) or 'picture'}{ending}"


def slug(text: str) -> str:
    """A file's name out of anything: no folders, no ending, no blanks; no letter is lost, Latin ones become plain."""
    stem = re.sub(r"[\W_]+", "-", re.sub(r"\.(png|jpe?g|webp|gif)$", "", text, flags=re.IGNORECASE))
    plain, whole = slugify(stem), slugify(stem, allow_unicode=True)
    return (plain if len(plain) == len(whole) else whole)[:LONGEST_NAME].strip("-")


def cut(data: bytes, *, ratio: str, focal: tuple[int, ...]) -> bytes:
    """The largest part of this shape, where CSS's ``object-position`` puts it; as it is when it has the shape."""
    opened = Pillow.open(io.BytesIO(data), formats=tuple(files.FORMATS))
    picture = ImageOps.exif_transpose(opened)
    box = part(picture.size, ratio, focal)
    if box == (0, 0, *picture.size):
        return data
    out = io.BytesIO()
    picture.crop(box).save(out, opened.format, quality=QUALITY, icc_profile=opened.info.get("icc_profile"))
    return out.getvalue()


def part(size: tuple[int, int], ratio: str, focal: tuple[int, ...]) -> tuple[int, int, int, int]:
    """What is cut out of a picture of this size: left, top, right and bottom."""
    wide, high = map(int, ratio.split(":"))
    width = min(size[0], round(size[1] * wide / high))
    height = min(size[1], round(size[0] * high / wide))
    left, top = round((size[0] - width) * focal[0] / 100), round((size[1] - height) * focal[1] / 100)
    return left, top, left + width, top + height


# --- the record ---


@transaction.atomic
def record(
    target: Model, field: str, *, image: Image | None, user: AbstractBaseUser | None, pick: Pick | None, alt: str
) -> Placement:
    """Note that the field shows this picture from now on; what it showed before ends.

    A file gets its small copies once this is committed.
    """
    _adopt(target, field, image)  # first: who deletes a picture writes its request first too
    end(target, field)
    image = _standing(image)
    target.__dict__.pop("_imagen_placements", None)
    value = getattr(target, field)
    placed = Placement.objects.create(
        **_where(target),
        field=field,
        image=image,
        meaning=_meaning(pick, alt),
        alt_text=alt[:LONGEST_ALT],
        **_answered(pick),
        file_name=(getattr(value, "name", "") or "")[:LONGEST_FILE],
        user_id=user.pk if user else None,
    )
    if isinstance(value, FieldFile) and value:
        transaction.on_commit(partial(renditions.make, placed, value), robust=True)
    return placed


def _answered(pick: Pick | None) -> dict[str, Any]:
    return {name: getattr(pick, name) for name in ("disclosure", "reason", "question")} if pick else {}


def _meaning(pick: Pick | None, alt: str) -> str:
    """What it is for, by the words it is placed with and by what was said."""
    if not alt:
        return Meaning.DECORATIVE
    return pick.meaning if pick and pick.meaning != Meaning.DECORATIVE else Meaning.INFORMATIVE


def _standing(image: Image | None) -> Image | None:
    """The picture, which stays until this is written down; nothing when it was deleted while a form was saved."""
    return Image.objects.select_for_update().filter(pk=image.pk).first() if image else None


def _adopt(target: Model, field: str, image: Image | None) -> None:
    """A request that was made before its object was saved is found again as one for it."""
    home = target._meta.get_field(field).model  # as the door says it: a proxy has its fields from elsewhere
    made = Generation.objects.filter(place=f"{home._meta.label_lower}.{field}", place_id="")
    if image:
        made.filter(pk=image.generation_id).update(place_id=str(target.pk))


def end(target: Model, field: str = "") -> None:
    """Note that the field, or every field of this object, does not show its picture any more."""
    rows = Placement.objects.filter(**_where(target), ended_at=None)
    (rows.filter(field=field) if field else rows).update(ended_at=timezone.now())


def current(target: Model, field: str) -> Placement | None:
    """The picture the field shows, as it was placed; asked for once, and not at all after ``look_up``."""
    known: dict[str, Placement | None] = target.__dict__.setdefault("_imagen_placements", {})
    if field not in known:
        known[field] = Placement.objects.filter(**_where(target), field=field, ended_at=None).first()
    placed = known[field]
    return placed if placed and _stands(placed, target) else None


def _stands(placed: Placement, target: Model) -> bool:
    """Whether the field still holds what was placed; a script may have put something else there."""
    held: Any = target._meta.get_field(placed.field).value_from_object(target)  # type: ignore[union-attr]  # a column
    return bool(held) and (
        str(held)[:LONGEST_FILE] == placed.file_name if placed.file_name else held == placed.image_id
    )


def look_up(targets: Iterable[Model], *fields: str) -> None:
    """Ask once for the placements of many objects of one kind, for a list of them."""
    rows = {str(target.pk): target for target in targets}
    for target in rows.values():
        target.__dict__["_imagen_placements"] = dict.fromkeys(fields)
    if not rows:
        return
    kind = ContentType.objects.get_for_model(next(iter(rows.values())))
    for found in Placement.objects.filter(content_type=kind, object_id__in=rows, field__in=fields, ended_at=None):
        rows[found.object_id].__dict__["_imagen_placements"][found.field] = found


def _where(target: Model) -> dict[str, Any]:
    return {"content_type": ContentType.objects.get_for_model(target), "object_id": str(target.pk)}

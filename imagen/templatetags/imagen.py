"""Tags for a site's own templates."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django import template
from django.db.models import Model
from django.db.models.fields.files import FieldFile
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse

from imagen import duties, files, news, placing, renditions
from imagen.models import Image

register = template.Library()


@register.inclusion_tag("imagen/needs_you.html", takes_context=True)
def imagen_needs_you(context: dict[str, Any]) -> dict[str, Any]:
    """What waits for who looks, as sentences with their links; nothing when nothing does."""
    request = context["request"]
    return {"duties": duties.of(request), "news": news.sentences(request, news.untold(request))}


@register.simple_tag
def imagen_label(target: Model, field: str) -> str:
    """That AI made what this field shows, as an icon and a word; nothing where it did not, or need not be said."""
    placed = placing.current(target, field)
    told = placed.labelled if placed else _refers(target, field)
    return render_to_string("imagen/label.html") if told else ""


def _refers(target: Model, field: str) -> bool:
    """Whether it is a relation to a picture of ours, which AI made whoever put it there."""
    relations = (each for each in target._meta.fields if each.name == field and each.related_model is Image)
    return any(getattr(target, each.attname) is not None for each in relations)


@register.inclusion_tag("imagen/picture.html")
def generated_image(
    image: Image | FieldFile | None, alt: str | None = None, sizes: str = "100vw", lazy: bool = True
) -> dict[str, Any]:
    """A picture of imagen's, or the file of an image field, with its size and alt text; nothing without one.

    ``alt`` stands in for the words that were said when it was chosen.
    """
    if not image or (isinstance(image, Image) and image.withheld):
        return {}
    facts = _own(image) if isinstance(image, Image) else _file(image)
    return {**facts, "alt": facts.get("alt", "") if alt is None else alt, "sizes": sizes, "lazy": lazy}


def _own(image: Image) -> dict[str, Any]:
    try:
        src, small = (reverse(f"imagen:{name}", args=[image.pk]) for name in ("image", "thumbnail"))
    except NoReverseMatch:  # the site mounts no addresses of ours
        return {}
    width = _small_width(image)
    srcset = f"{small} {width}w, {src} {image.width}w" if image.thumbnail and width < image.width else ""
    return {"src": src, "srcset": srcset, "width": image.width, "height": image.height, "alt": image.alt_text}


def _small_width(image: Image) -> int:
    scale = min(1, *(most / side for most, side in zip(files.THUMBNAIL, (image.width, image.height), strict=True)))
    return round(image.width * scale)


def _file(file: FieldFile) -> dict[str, Any]:
    placed = placing.current(file.instance, file.field.name)
    width, height = (_side(file, side) for side in ("width", "height"))
    known = {"alt": placed.alt_text, "srcset": renditions.srcset(placed, file, width)} if placed else {}
    return {"src": file.url, "width": width, "height": height, **known}


def _side(file: Any, side: str) -> int | None:
    """As the row has it; else as the file has it, which has to be opened for it."""
    if column := getattr(file.field, f"{side}_field", None):
        return getattr(file.instance, column) or None
    with suppress(OSError):
        return getattr(file, side, None)
    return None

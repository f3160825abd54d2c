"""The shapes a field asks for, as far as they can be made; what comes out is cut to the rest when it is placed."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.utils.text import capfirst

from imagen.doors import Door
from imagen.types import ASPECT_RATIOS

USUAL = ("1:1", "16:9", "9:16", "4:3", "3:4")


def proportion(ratio: str) -> float:
    """Width by height; 1 for what is no ratio."""
    try:
        width, height = map(float, ratio.split(":"))
        return width / height if width > 0 and height > 0 else 1.0
    except ValueError:
        return 1.0


def nearest(ratio: str, among: Collection[str] = ASPECT_RATIOS) -> str:
    """The ratio among these that loses least when it is cut to this one."""
    return min(among, key=lambda each: abs(math.log(proportion(each) / proportion(ratio))))


def shapes(door: Door | None) -> tuple[str, ...]:
    """The shapes to show first: those of the field, or the usual ones."""
    if door is None or not door.ratio:
        return USUAL
    return tuple(dict.fromkeys(nearest(ratio) for ratio in (door.ratio, *door.crops)))


def tickable(door: Door | None) -> list[str]:
    """Further shapes its candidates can be shown cut to; those of the field are shown anyway."""
    return [ratio for ratio in USUAL if door is None or ratio not in (door.ratio, *door.crops)]


def ordered(first: Iterable[str]) -> list[str]:
    """Every shape there is, these first."""
    return list(dict.fromkeys([*first, *ASPECT_RATIOS]))


def name(door: Door) -> str:
    """The field as its form calls it."""
    try:
        label, model, field = door.place.split(".")
        return str(capfirst(apps.get_model(label, model)._meta.get_field(field).verbose_name))
    except (ValueError, LookupError, FieldDoesNotExist, AttributeError):
        return door.place


def thing(door: Door) -> str:
    """What the field belongs to, as its site calls one of them; empty where nobody knows it."""
    try:
        label, model, _field = door.place.split(".")
        return str(apps.get_model(label, model)._meta.verbose_name)
    except (ValueError, LookupError):
        return ""

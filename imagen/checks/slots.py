"""Checks of ``imagen_fields`` on anybody's admin pages: a name or a shape that does not fit is said at the start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage
from django.core.exceptions import FieldDoesNotExist
from django.db import models

from imagen.checks.message import Check, error, nearest, warning
from imagen.contrast import COLOUR
from imagen.slots import Slot
from imagen.types import ASPECT_RATIOS

POLICY = "django.middleware.csp.ContentSecurityPolicyMiddleware"
BOUND = (models.CASCADE, models.PROTECT, models.RESTRICT)  # the object would go too, or keep everything from going
BOX = "Say left, top, width and height in whole per cent of what the field shows, such as (0, 60, 50, 40)."
LET_GO = "Set on_delete=models.SET_NULL and null=True."
FRAMES = """Set "frame-ancestors": ["'self'"] in SECURE_CSP."""


def slots_fit(**kwargs: Any) -> Iterator[CheckMessage]:
    """E007 to E011 and E013: a slot that does not fit, nobody would note what is placed, or it could not be erased."""
    for page in _pages():
        yield from _page(page)


def _pages() -> Iterator[Any]:
    if apps.is_installed("django.contrib.admin"):
        from django.contrib.admin.sites import all_sites  # noqa: PLC0415  # a site may live without it

        for site in all_sites:
            yield from site._registry.values()


def _with_slots() -> Iterator[Any]:
    return (each for page in _pages() for each in (page, *page.inlines) if getattr(each, "imagen_fields", None))


def _page(page: Any) -> Iterator[CheckMessage]:
    """What is wrong on a page, and on its inlines, which it saves."""
    yield from _slots(page, page.model, ())
    for inline in page.inlines:
        yield from _slots(inline, inline.model, (page.model,))
        if getattr(inline, "imagen_fields", None) and not hasattr(page, "imagen_fields"):
            said = f"{_named(inline)} has imagen_fields, and {_named(type(page))}, which saves its rows, has no mixin."
            yield error(10, said, "Put ImagenAdminMixin before the page's other classes as well.")


def _slots(page: Any, model: type[models.Model], around: tuple[type[models.Model], ...]) -> Iterator[CheckMessage]:
    owner = _named(page if isinstance(page, type) else type(page))
    for name, slot in (getattr(page, "imagen_fields", None) or {}).items():
        where = f"{owner}.imagen_fields[{name!r}]"
        yield from _field(where, model, name)
        yield from _shapes(where, [shape for shape in (slot.ratio, *slot.crops) if shape])
        yield from _others(where, [slot.alt] if slot.alt else [], (model,))
        yield from _others(where, [source.name for source in slot.sources], (model, *around))
        yield from _words(where, slot)


def _field(where: str, model: type[models.Model], name: str) -> Iterator[CheckMessage]:
    try:
        found: Any = model._meta.get_field(name)
    except FieldDoesNotExist:
        yield error(7, f"{where}: {model.__name__} has no field {name!r}.", nearest(name, _names(model)))
        return
    ours = isinstance(found, models.ForeignKey) and found.related_model is apps.get_model("imagen.Image")
    if not ours and not isinstance(found, models.ImageField):
        yield error(7, f"{where}: the field takes no picture.", "Name an ImageField or a ForeignKey to imagen.Image.")
    elif ours and (rule := found.remote_field.on_delete) in BOUND:
        yield error(11, f"{where}: pictures are erased some day, and on_delete is {rule.__name__}.", LET_GO)


def _shapes(where: str, shapes: Iterable[str]) -> Iterator[CheckMessage]:
    for shape in shapes:
        if shape not in ASPECT_RATIOS:
            yield error(8, f"{where}: no model makes pictures of {shape!r}.", f"There are {', '.join(ASPECT_RATIOS)}.")


def _others(where: str, names: Iterable[str], models_: tuple[type[models.Model], ...]) -> Iterator[CheckMessage]:
    known = {name for model in models_ for name in _names(model)}
    for name in names:
        if name not in known:
            yield error(9, f"{where} names the field {name!r}, which is not there.", nearest(name, known))


def _words(where: str, slot: Slot) -> Iterator[CheckMessage]:
    if slot.text_box and not _within(slot.text_box):
        yield error(13, f"{where}: the text box {slot.text_box!r} does not lie on the picture.", BOX)
    if not COLOUR.fullmatch(str(slot.text_colour)):
        yield error(13, f"{where}: {slot.text_colour!r} is no colour.", "Write it as '#fff' or '#ffffff'.")


def _within(box: Sequence[object]) -> bool:
    match box:
        case [int(left), int(top), int(width), int(height)]:
            return min(left, top) >= 0 and min(width, height) > 0 and max(left + width, top + height) <= 100
    return False


def _names(model: type[models.Model]) -> list[str]:
    return [field.name for field in model._meta.get_fields()]


def _named(page: type) -> str:
    return f"{page.__module__}.{page.__qualname__}"


def dialogs_may_open(**kwargs: Any) -> Iterator[CheckMessage]:
    """W032: the Studio opens in a frame of the site's own pages, which its policy forbids."""
    policy = getattr(django_settings, "SECURE_CSP", None) or {}
    ancestors = policy.get("frame-ancestors", ["'self'"])
    if POLICY in django_settings.MIDDLEWARE and "'self'" not in ancestors and any(_with_slots()):
        yield warning(32, "The site forbids frames, and the Studio opens in one.", FRAMES)


CHECKS: tuple[Check, ...] = (slots_fit, dialogs_may_open)

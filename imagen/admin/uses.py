"""Where a picture is used, and which request it was varied from."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.admin.utils import quote
from django.contrib.auth import get_permission_codename
from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imagen.conf import ASK, settings
from imagen.models import Disclosure, Generation, Image, Placement

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MOST = 20
ANSWERS = {
    "": gettext_lazy("nobody was asked"),
    Disclosure.YES.value: gettext_lazy("could be taken for real"),
    Disclosure.NO.value: gettext_lazy("could not be taken for real: “%(reason)s”"),
    Disclosure.ILLUSTRATION.value: gettext_lazy("plainly an illustration"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One field that holds a picture; ``name`` and ``href`` are empty for who may not look at its object."""

    placement: Placement
    kind: str
    field: str
    name: str
    href: str
    told: str = ""


def of(image: Image, user: User) -> list[Use]:
    """The uses of a picture that still stand, the newest first."""
    rows = list(image.placements.filter(ended_at=None).select_related("content_type", "user")[:MOST])
    there = _objects(rows)
    return [_use(row, there[found], user) for row in rows if (found := (row.content_type_id, row.object_id)) in there]


def _objects(rows: list[Placement]) -> dict[tuple[int, str], Model]:
    """The objects that hold it, one query for each kind; one that was deleted holds nothing."""
    wanted: dict[Any, list[str]] = defaultdict(list)
    for row in rows:
        wanted[row.content_type].append(row.object_id)
    known = {kind: kind.model_class() for kind in wanted}
    return {
        (kind.pk, str(found.pk)): found
        for kind, model in known.items()
        if model is not None  # its app may be gone
        for found in model._base_manager.filter(pk__in=wanted[kind])
    }


def _use(placement: Placement, found: Model, user: User) -> Use:
    may = _may_see(found, user)
    return Use(
        placement=placement,
        kind=str(capfirst(found._meta.verbose_name)),
        field=_field(found, placement.field),
        name=str(found) if may else "",
        href=_page(found) if may else "",
        told=_told(placement),
    )


def _told(placement: Placement) -> str:
    """Whether it carries the label and why; nothing where that is no question."""
    if settings.DISCLOSURE != ASK and not placement.disclosure:
        return ""
    label = _("labelled") if placement.labelled else _("no label")
    return f"{label} · {ANSWERS[placement.disclosure] % {'reason': placement.reason}}"


def _may_see(found: Model, user: User) -> bool:
    names = (get_permission_codename(name, found._meta) for name in ("view", "change"))
    return any(user.has_perm(f"{found._meta.app_label}.{name}") for name in names)


def _field(found: Model, name: str) -> str:
    fields: dict[str, Any] = {each.name: each for each in found._meta.get_fields()}
    return str(getattr(fields.get(name), "verbose_name", name))


def _page(found: Model) -> str:
    try:
        return reverse(f"admin:{found._meta.app_label}_{found._meta.model_name}_change", args=[quote(found.pk)])
    except NoReverseMatch:  # it is shown somewhere else, or in no admin at all
        return ""


# --- lineage ---


def lineage(generation: Generation, user: User) -> dict[str, Any]:
    """The request this one was varied from and those varied from it, as far as this person may see them."""
    seen = Generation.objects.of(user).standing()
    made_from = seen.filter(pk=generation.parent_id).first() if generation.parent_id else None
    return {"made_from": made_from, "variations": list(seen.filter(parent=generation.pk)[:MOST])}

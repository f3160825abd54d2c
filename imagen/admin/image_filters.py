"""Filters of the list of pictures: whose, on a page or not, described or not, shape, model, review."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imagen.admin.base import viewer
from imagen.admin.filters import ColumnFilter, ModelFilter
from imagen.models import Placement
from imagen.states import Review
from imagen.types import ASPECT_RATIOS


class MineFilter(SimpleListFilter):
    """One's own, for who sees everybody's."""

    title = gettext_lazy("person")
    parameter_name = "whose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Mine, where there are others."""
        return [("mine", _("only mine"))] if viewer(request).has_perm("imagen.view_all") else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The pictures this person asked for."""
        return queryset.filter(generation__user=viewer(request).pk) if self.value() == "mine" else queryset


class UseFilter(SimpleListFilter):
    """By whether a page holds the picture."""

    title = gettext_lazy("use")
    parameter_name = "used"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Used, or not yet."""
        return [("yes", _("on a page")), ("no", _("on no page yet"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The pictures with or without a placement that still stands."""
        used = Exists(Placement.objects.filter(image=OuterRef("pk"), ended_at=None))
        if self.value() == "no":
            return queryset.filter(~used)
        return queryset.filter(used) if self.value() == "yes" else queryset


class ShapeFilter(ColumnFilter):
    """By the shape that was asked for."""

    title = gettext_lazy("shape")
    parameter_name = "shape"
    column = "generation__aspect_ratio"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every shape there is."""
        return [(ratio, ratio) for ratio in ASPECT_RATIOS]


class ImageModelFilter(ModelFilter):
    """Pictures by the model of their request."""

    column = "generation__model"


class ReviewFilter(ColumnFilter):
    """By review."""

    title = gettext_lazy("review")
    parameter_name = column = "review"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every outcome of a review."""
        return [(value, str(name)) for value, name in Review.choices]


class AltTextFilter(SimpleListFilter):
    """By whether somebody described the picture."""

    title = gettext_lazy("alt text")
    parameter_name = "alt"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """There, or missing."""
        return [("yes", _("there")), ("no", _("missing"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The pictures with or without an alt text."""
        if self.value() == "no":
            return queryset.filter(alt_text="")
        return queryset.exclude(alt_text="") if self.value() == "yes" else queryset

"""What may be spent, by whom, in which time: the rule, and how each of its days or months stands."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from imagen.messages import listed
from imagen.models.money import MoneyField, amount

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imagen.costs import Position


class Scope(models.TextChoices):
    """Whose spending a budget limits."""

    EVERYBODY = "everybody", _("everybody together")
    EACH = "each", _("each person")
    GROUP = "group", _("one group together")
    PERSON = "person", _("one person")


class Period(models.TextChoices):
    """How long a budget lasts before it begins anew; both in UTC."""

    DAY = "day", _("a day")
    MONTH = "month", _("a month")

    def starts_on(self, at: dt.datetime) -> dt.date:
        """The first day of the period this moment is in."""
        today = at.astimezone(dt.UTC).date()
        return today if self is Period.DAY else today.replace(day=1)

    def ends_on(self, starts_on: dt.date) -> dt.date:
        """The day after the period that starts on this one: the next begins there."""
        if self is Period.DAY:
            return starts_on + dt.timedelta(days=1)
        return (starts_on + dt.timedelta(days=31)).replace(day=1)


class Budget(models.Model):
    """So much may be spent in each period; what is asked for beyond that is refused before anybody pays."""

    scope = models.CharField(_("whose"), max_length=10, choices=Scope.choices, default="everybody")
    group = models.ForeignKey(Group, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("group"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("person")
    )
    period = models.CharField(_("for"), max_length=5, choices=Period.choices, default="month")
    limit = MoneyField(_("limit"), validators=[MinValueValidator(0)], help_text=_("0 allows only what is free."))
    currency = models.CharField(_("currency"), max_length=3, default="USD", editable=False)
    created_at = models.DateTimeField(_("made"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("budget")
        verbose_name_plural = _("budgets")
        ordering = ("scope", "period", "pk")
        constraints = (
            models.CheckConstraint(condition=Q(limit__gte=0), name="imagen_budget_not_negative"),
            models.CheckConstraint(
                condition=Q(scope="group", group__isnull=False, user=None)
                | Q(scope="person", user__isnull=False, group=None)
                | Q(scope__in=("everybody", "each"), group=None, user=None),
                name="imagen_budget_whose",
                violation_error_message=_("Name the group or the person this budget is for, and nobody else."),
            ),
            models.UniqueConstraint(
                fields=("scope", "period"),
                condition=Q(scope__in=("everybody", "each")),
                name="imagen_budget_one_for_all",
                violation_error_message=_("There is such a budget already. Change that one."),
            ),
            models.UniqueConstraint(
                fields=("group", "period"),
                condition=Q(scope="group"),
                name="imagen_budget_one_a_group",
                violation_error_message=_("This group has such a budget already. Change that one."),
            ),
            models.UniqueConstraint(
                fields=("user", "period"),
                condition=Q(scope="person"),
                name="imagen_budget_one_a_person",
                violation_error_message=_("This person has such a budget already. Change that one."),
            ),
        )

    def __str__(self) -> str:
        whose = self.group or self.user or self.get_scope_display()
        return listed(whose, self.get_period_display())


class PurseQuerySet(models.QuerySet["Purse"]):
    """The two ways money moves in and out of purses, each one statement that cannot be raced."""

    def take(self, pk: int, wanted: Decimal, *, limit: Decimal, spare: Decimal) -> bool:
        """Set this much aside; ``False`` when the limit forbids it. ``spare`` comes back in the same transaction."""
        purse = self.filter(pk=pk)
        if wanted > spare:
            room = amount(limit + spare - wanted) + F("extra")
            purse = purse.filter(Q(spent__lte=room - F("reserved")))
        return bool(purse.update(reserved=F("reserved") + amount(wanted)))

    def book(self, changes: Mapping[int, Position]) -> None:
        """Add these differences, purse by purse in one order for everybody."""
        for pk in sorted(changes):
            reserved, spent = changes[pk]
            self.filter(pk=pk).update(reserved=F("reserved") + amount(reserved), spent=F("spent") + amount(spent))


class Purse(models.Model):
    """One day or month of one budget: what is set aside and spent; ``extra`` was granted on top of the limit."""

    key = models.CharField(max_length=80)
    budget = models.ForeignKey(Budget, models.CASCADE, null=True, related_name="purses", verbose_name=_("budget"))
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+", verbose_name=_("person")
    )
    period = models.CharField(_("for"), max_length=5, choices=Period.choices)
    starts_on = models.DateField(_("from"))
    currency = models.CharField(_("currency"), max_length=3)
    extra = MoneyField(_("granted on top"), default=0)
    spent = MoneyField(_("spent"), default=0)
    reserved = MoneyField(_("set aside"), default=0)

    objects = PurseQuerySet.as_manager()

    class Meta:
        verbose_name = _("purse")
        verbose_name_plural = _("purses")
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("key", "starts_on", "currency"), name="imagen_purse_unique"),)

    def __str__(self) -> str:
        return f"{self.key} {self.starts_on}"

    @property
    def ends_on(self) -> dt.date:
        """The day on which a new one begins."""
        return Period(self.period).ends_on(self.starts_on)

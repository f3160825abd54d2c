"""Budgets in the admin: what may be spent, how much of it is, and what follows from a change."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.db import IntegrityError
from django.db.models import Count, F, FilteredRelation, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from imagen import budgets, pleas
from imagen.admin import words
from imagen.admin.base import PlainAdmin, viewer
from imagen.admin.budget_forms import BudgetForm, LimitForm
from imagen.conf import settings
from imagen.costs import NOTHING, site_currency
from imagen.messages import day, listed, money
from imagen.models import Budget, Period, Purse, Scope
from imagen.models.money import amount
from imagen.presentation import provider_label


def running(prefix: str) -> Q:
    """The purses of the day or month that runs now."""
    now = timezone.now()
    days = [Q(**{f"{prefix}period": each, f"{prefix}starts_on": each.starts_on(now)}) for each in Period]
    return days[0] | days[1]


@admin.register(Budget)
class BudgetAdmin(PlainAdmin):
    """For who manages budgets; only the limit of one that stands can be changed."""

    list_display = ("named", "limited", "used", "left")
    list_display_links = ("named",)
    sortable_by = ()
    list_select_related = ("group", "user")
    actions = None

    # --- who may ---

    def _owns(self, request: HttpRequest) -> bool:
        return viewer(request).has_perm(pleas.OWNERS)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """One permission for all of it."""
        return self._owns(request)

    def has_view_permission(self, request: HttpRequest, obj: Budget | None = None) -> bool:
        """Likewise."""
        return self._owns(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Likewise."""
        return self._owns(request)

    def has_change_permission(self, request: HttpRequest, obj: Budget | None = None) -> bool:
        """Likewise."""
        return self._owns(request)

    def has_delete_permission(self, request: HttpRequest, obj: Budget | None = None) -> bool:
        """Likewise."""
        return self._owns(request)

    # --- the list ---

    def get_queryset(self, request: HttpRequest) -> QuerySet[Budget]:
        """Each with what its purses of this day or month hold, all people's together."""
        same = Q(now__currency=F("currency"))
        rows = super().get_queryset(request).annotate(now=FilteredRelation("purses", condition=running("purses__")))
        sums = {f"now_{what}": Sum(f"now__{what}", filter=same) for what in ("spent", "reserved", "extra")}
        whole: QuerySet[Budget] = rows.annotate(**sums, people=Count("now__pk", filter=same))
        return whole

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list, with what else limits and what is wrong with it."""
        shown = {"title": _("Budgets"), "notices": _notices(), "default": "" if _each(Period.MONTH) else _default()}
        return super().changelist_view(request, {**shown, **(extra_context or {})})

    @admin.display(description=gettext_lazy("whose"))
    def named(self, budget: Budget) -> str:
        """Whose spending it limits, and for how long."""
        return words.pair(self.whose(budget), budget.get_period_display())

    @admin.display(description=gettext_lazy("whose"))
    def whose(self, budget: Budget) -> str:
        """Whose spending it limits."""
        return str(budget.group or budget.user or budget.get_scope_display())

    @admin.display(description=gettext_lazy("limit"))
    def limited(self, budget: Any) -> str:
        """The limit, and what was granted on top in this period."""
        told = _money(budget, budget.limit)
        if not budget.now_extra:
            return told
        return words.pair(told, _("%(extra)s granted on top") % {"extra": _money(budget, budget.now_extra)})

    @admin.display(description=gettext_lazy("used"))
    def used(self, budget: Any) -> str:
        """What is spent in this period, and what is set aside for calls that no service has accepted yet."""
        spent = _("%(money)s spent") % {"money": _money(budget, budget.now_spent)}
        return words.pair(spent, _("%(money)s set aside") % {"money": _money(budget, budget.now_reserved)})

    @admin.display(description=gettext_lazy("left"))
    def left(self, budget: Any) -> str:
        """What is left until when; where each person has a purse, how many people used theirs."""
        if budget.currency != site_currency():
            badge = format_html('<span class="imagen-badge imagen-failed">{}</span>', _("nothing"))
            return words.pair(badge, _("its limit is in %(currency)s") % {"currency": budget.currency})
        until = _("until %(day)s") % {"day": day(_ends_on(budget))}
        if budget.scope == Scope.EACH:
            count = budget.people
            told = ngettext("used by %(count)s person", "used by %(count)s people", count)
            return words.pair(told % {"count": count}, until)
        return words.pair(_money(budget, max(_left(budget), NOTHING)), until)

    @admin.display(description=gettext_lazy("currency"))
    def counted_in(self, budget: Budget | None) -> str:
        """The site's currency, in which every budget is counted once it is saved."""
        return site_currency()

    # --- one budget ---

    def get_form(self, request: HttpRequest, obj: Budget | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Everything of a new one, the limit of one that stands."""
        return super().get_form(request, obj, change, form=LimitForm if obj else BudgetForm, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Budget | None = None) -> Any:
        """What is asked, and of one that stands how it stands."""
        if obj is None:
            return ("scope", "group", "user", "period", "limit", "counted_in")
        return ("whose", "period", "limit", "counted_in", "used", "left")

    def get_readonly_fields(self, request: HttpRequest, obj: Budget | None = None) -> Any:
        """Everything but what the form asks."""
        return [name for name in self.get_fields(request, obj) if name != "limit"] if obj else ["counted_in"]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The form; who is overtaken between its check and its save sees it again, and what the other made."""
        try:
            return super().add_view(request, form_url, extra_context)
        except IntegrityError:
            return super().add_view(request, form_url, extra_context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of one, which says so when it has to be saved again."""
        budget = self.get_object(request, object_id)
        shown = {"wrong": _wrong_currency(budget) if budget and budget.currency != site_currency() else ""}
        return super().change_view(request, object_id, form_url, {**shown, **(extra_context or {})})

    def save_model(self, request: HttpRequest, obj: Budget, form: Any, change: bool) -> None:
        """Keep it in the site's currency, and say so when more than the limit is gone already."""
        obj.currency = site_currency()
        super().save_model(request, obj, form, change)
        beyond = Purse.objects.filter(running(""), budget=obj, currency=obj.currency)
        over = beyond.filter(spent__gt=amount(obj.limit) + F("extra") - F("reserved")).count()
        if over:
            self.message_user(request, _beyond(obj, over), messages.WARNING)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """The old limit and the new one, for the history."""
        if add:
            return super().construct_change_message(request, form, formsets, add)
        before, after = form.before, form.instance
        facts = {"before": money(*before), "after": money(after.limit, after.currency)}
        return _("Limit: %(before)s → %(after)s") % facts

    # --- deleting ---

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        """The question, with what follows."""
        budget = self.get_object(request, object_id)
        shown = {"follows": _follows(budget) if budget else []}
        return super().delete_view(request, object_id, {**shown, **(extra_context or {})})

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The budgets, by name."""
        chosen = list(objs)
        lacking = set() if self.has_delete_permission(request) else {self.opts.verbose_name}
        return [str(budget) for budget in chosen], {self.opts.verbose_name_plural: len(chosen)}, lacking, []


def _money(budget: Budget, value: Decimal | None) -> str:
    return money(value or NOTHING, budget.currency)


def _left(budget: Any) -> Decimal:
    left: Decimal = budget.limit + (budget.now_extra or 0) - (budget.now_spent or 0) - (budget.now_reserved or 0)
    return left


def _ends_on(budget: Budget) -> dt.date:
    period = Period(budget.period)
    return period.ends_on(period.starts_on(timezone.now()))


def _beyond(budget: Budget, over: int) -> str:
    facts = {"day": day(_ends_on(budget)), "count": over}
    if budget.scope == Scope.EACH:
        text = ngettext(
            "%(count)s person has used more than that already and can ask for nothing that costs until %(day)s. "
            "What was asked for goes on.",
            "%(count)s people have used more than that already and can ask for nothing that costs until %(day)s. "
            "What was asked for goes on.",
            over,
        )
        return text % facts
    text = _(
        "More than that is spent or set aside already: nothing that costs is taken until %(day)s. "
        "What was asked for goes on."
    )
    return text % facts


def _wrong_currency(budget: Budget) -> str:
    facts = {"old": budget.currency, "new": site_currency()}
    text = _(
        "This limit is in %(old)s and the site counts in %(new)s: where it counts, everything that costs is refused. "
        "Set the limit in %(new)s and save."
    )
    return text % facts


def _notices() -> list[str]:
    """What is wrong with the budgets, and how to mend it."""
    told = []
    if wrong := budgets.foreign().count():
        text = ngettext(
            "%(count)s budget is not in %(currency)s: where it counts, everything that costs is refused. "
            "Open it, set its limit in %(currency)s and save.",
            "%(count)s budgets are not in %(currency)s: where they count, everything that costs is refused. "
            "Open each, set its limit in %(currency)s and save.",
            wrong,
        )
        told.append(text % {"count": wrong, "currency": site_currency()})
    if names := [provider_label(alias) for alias in budgets.unrated()]:
        ceiling = money(Decimal(settings.UNKNOWN_PRICE_CEILING), site_currency())
        text = _(
            "Nobody has said what a credit at %(names)s is worth: each picture made there counts as %(ceiling)s "
            "until the setting CREDIT_RATES names it."
        )
        told.append(text % {"names": listed(*names), "ceiling": ceiling})
    return told


def _default() -> str:
    """The limit that the settings give each person."""
    if settings.BUDGET.get("default_monthly") is None:
        return ""
    text = _("Whoever has no monthly budget of their own may spend %(limit)s a month, by the settings.")
    return text % {"limit": money(budgets.default_limit(), site_currency())}


def _each(period: str) -> bool:
    """Whether each person has a budget for such a period, which stands before that limit."""
    return Budget.objects.filter(scope=Scope.EACH, period=period).exists()


def _follows(budget: Budget) -> list[str]:
    """What follows from deleting it."""
    told = [_("From then on this limits nobody, not even for the rest of this period.")]
    if budget.scope == Scope.PERSON and _each(budget.period):
        told.append(_("The budget that each person has counts for this person again."))
    elif budget.scope in (Scope.EACH, Scope.PERSON) and budget.period == Period.MONTH and (default := _default()):
        told.append(default)
    told.append(_("What was granted on top of it and the requests for more are deleted too. The ledger stays."))
    return told

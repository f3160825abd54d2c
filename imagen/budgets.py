"""Who may still spend how much: money is set aside before anything is sent, in every budget it counts in."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet, prefetch_related_objects
from django.utils import timezone
from django.utils.translation import gettext as _

from imagen import messages, registry
from imagen.conf import settings
from imagen.costs import CREDITS, NOTHING, Position, position, rate, site_currency
from imagen.exceptions import BudgetExceeded
from imagen.models import Budget, Change, Entry, Job, Period, Purse, Scope

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    Person = AbstractBaseUser | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One limit as it counts for one person; without a ``budget`` it is the site's default for each person."""

    limit: Decimal
    currency: str
    period: Period
    scope: Scope
    budget: Budget | None = None
    owner: Any = None  # whose purse it is; nobody's where it is shared

    @property
    def key(self) -> str:
        """The name its purses have."""
        return key(self.budget, self.owner)

    def starts_on(self, now: dt.datetime) -> dt.date:
        """The first day of its period at this moment."""
        return self.period.starts_on(now)

    @property
    def whose(self) -> str:
        """Whose budget it is, in words."""
        named = self.budget and (self.budget.group or self.budget.user)
        return messages.listed(named or self.scope.label, self.period.label)


def key(budget: Budget | None, owner: Any) -> str:
    """The name of the purses of this budget, or of the site's default; ``owner`` where each person has their own."""
    return ":".join(str(part) for part in (budget.pk if budget else "default", owner) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """One budget as it stands for one person now: ``limit`` with what was granted on top; ``resets_on`` in UTC."""

    rule: Rule
    purse: Purse

    @property
    def limit(self) -> Decimal:
        """What may be spent in this period."""
        total: Decimal = self.rule.limit + self.purse.extra
        return total

    @property
    def remaining(self) -> Decimal:
        """What is left of it; nothing while the limit is below what is spent, or is in another currency."""
        if self.rule.currency != site_currency():
            return NOTHING
        left: Decimal = self.limit - self.purse.spent - self.purse.reserved
        return max(left, NOTHING)

    @property
    def resets_on(self) -> dt.date:
        """The day on which the next period begins."""
        return self.purse.ends_on

    @property
    def resets_at(self) -> str:
        """The moment it begins, as ISO 8601."""
        return f"{self.resets_on.isoformat()}T00:00:00Z"

    @property
    def told(self) -> str:
        """What is left of what until when, for people."""
        facts = {
            "left": messages.money(self.remaining, self.rule.currency),
            "limit": messages.money(self.limit, self.rule.currency),
            "until": messages.day(self.resets_on),
            "whose": self.rule.whose,
        }
        return _("Left: %(left)s of %(limit)s until %(until)s (budget: %(whose)s).") % facts

    @property
    def brief(self) -> str:
        """The same where room is scarce."""
        left, limit = (messages.money(each, self.rule.currency) for each in (self.remaining, self.limit))
        return _("Left until %(until)s: %(left)s of %(limit)s") % {
            "until": messages.day(self.resets_on),
            "left": left,
            "limit": limit,
        }

    @property
    def facts(self) -> dict[str, str]:
        """The same for programs: amounts as decimal text in ``unit``."""
        amounts = {"limit": self.limit, "remaining": self.remaining}
        known = {name: f"{value:.4f}" for name, value in amounts.items()}
        return {**known, "unit": self.rule.currency, "period": str(self.rule.period), "resets_at": self.resets_at}


def allowances(user: Person) -> list[Allowance]:
    """Every budget that counts for this person, the one with the least left first; nothing is written."""
    now, rules = timezone.now(), _rules(user)
    return _standing(rules, _purses(rules, now), now)


def _standing(rules: Iterable[Rule], known: Mapping[str, Purse], now: dt.datetime) -> list[Allowance]:
    found = [Allowance(rule=rule, purse=known.get(rule.key) or _purse(rule, now)) for rule in rules]
    return sorted(found, key=lambda each: each.remaining)


def tightest(user: Person) -> Allowance | None:
    """The budget that has the least left for this person."""
    return next(iter(allowances(user)), None)


def tightest_each(users: Collection[Person]) -> dict[Person, Allowance | None]:
    """The same for many people, in as many questions as for one."""
    prefetch_related_objects([user for user in users if user is not None and hasattr(user, "groups")], "groups")
    whose = ~Q(scope=Scope.PERSON) | Q(user__in=[user.pk for user in users if user])
    now, offered = timezone.now(), list(Budget.objects.filter(whose).select_related("group", "user"))
    rules = {user: _counting(user, [each for each in offered if _concerns(each, user)]) for user in users}
    known = _purses({rule.key: rule for found in rules.values() for rule in found}.values(), now)
    return {user: next(iter(_standing(found, known, now)), None) for user, found in rules.items()}


def _concerns(budget: Budget, user: Person) -> bool:
    groups: Any = user.groups.all() if user is not None and hasattr(user, "groups") else ()
    own = user is not None and (budget.scope == Scope.EACH or budget.user_id == user.pk)
    return budget.scope == Scope.EVERYBODY or own or any(group.pk == budget.group_id for group in groups)


def purse(user: AbstractBaseUser) -> Purse | None:
    """The purse of that budget, made when this period has none yet."""
    least = tightest(user)
    return None if least is None else _kept(least.purse)


def renewed(purse: Purse) -> Purse:
    """The same purse in the period that runs now."""
    period = Period(purse.period)
    facts = {"key": purse.key, "starts_on": period.starts_on(timezone.now()), "currency": purse.currency}
    return _kept(Purse(**facts, budget=purse.budget, owner_id=purse.owner_id, period=period))


def _kept(purse: Purse) -> Purse:
    if purse._state.adding:
        Purse.objects.bulk_create([purse], ignore_conflicts=True)
    return Purse.objects.get(key=purse.key, starts_on=purse.starts_on, currency=purse.currency)


def foreign() -> QuerySet[Budget]:
    """Budgets in another currency than the site's: where they count, everything that costs is refused."""
    return Budget.objects.exclude(currency=site_currency())


def unrated() -> list[str]:
    """The services whose credits nobody said the worth of: what is made there counts at the ceiling."""
    paid = {choice.alias for choice in registry.choices() if choice.offer.price.unit == CREDITS}
    return sorted(alias for alias in paid if rate(alias, CREDITS) is None)


def default_limit() -> Decimal:
    """What each person may spend a month by the site's settings; nothing while they do not say."""
    return Decimal(str(settings.BUDGET.get("default_monthly") or 0))


def reserve(jobs: Sequence[Job], *, user: Person, freed: Iterable[Job] = ()) -> None:
    """Set aside what these unsaved calls may cost, or raise ``BudgetExceeded``; call it in their transaction.

    What ``freed`` calls have set aside comes back in the same transaction, so it counts as left.
    """
    now, rules = timezone.now(), _rules(user)
    wanted, spare = sum((job.stake for job in jobs), NOTHING), _spare(freed)
    opened = sorted((purse.pk, rule) for rule, purse in _opened(rules, now))
    for place, (pk, rule) in enumerate(opened):
        if not _take(pk, rule, wanted, spare[pk]):
            Purse.objects.book({taken: Position(-wanted) for taken, _ in opened[:place]})
            raise exceeded(allowances(user)[0], wanted)
    for job in jobs:
        job.purses = [pk for pk, _ in opened]


def book(jobs: Iterable[Job]) -> None:
    """Write into the ledger what ``reserve`` set aside for these calls, once they are saved."""
    Entry.objects.write([Change(job, Position(), position(job)) for job in jobs])


def _take(pk: int, rule: Rule, wanted: Decimal, spare: Decimal) -> bool:
    if wanted > spare and rule.currency != site_currency():
        return False
    return Purse.objects.take(pk, wanted, limit=rule.limit, spare=spare)


def _spare(freed: Iterable[Job]) -> dict[int, Decimal]:
    found: dict[int, Decimal] = defaultdict(Decimal)
    for job in freed:
        for pk in job.purses:
            found[pk] += position(job).reserved
    return found


def _rules(user: Person) -> list[Rule]:
    """The limits that count for this person; their own replaces the one that each person has."""
    return _counting(user, list(_budgets(user)))


def _counting(user: Person, found: list[Budget]) -> list[Rule]:
    own = {budget.period for budget in found if budget.scope == Scope.PERSON}
    rules = [_rule(budget, user) for budget in found if budget.scope != Scope.EACH or budget.period not in own]
    personal = {rule.period for rule in rules if rule.owner is not None}
    return rules if user is None or Period.MONTH in personal else [*rules, *_default(user)]


def _budgets(user: Person) -> Iterable[Budget]:
    whose = Q(scope=Scope.EVERYBODY)
    if user is not None:
        whose |= Q(scope=Scope.EACH) | Q(user=user.pk)
        if hasattr(user, "groups"):  # a site's own kind of user may have none
            whose |= Q(group__in=user.groups.all())
    return Budget.objects.filter(whose).select_related("group", "user")


def _rule(budget: Budget, user: Person) -> Rule:
    own = user is not None and budget.scope in (Scope.EACH, Scope.PERSON)
    return Rule(
        limit=budget.limit,
        currency=budget.currency,
        period=Period(budget.period),
        scope=Scope(budget.scope),
        budget=budget,
        owner=user.pk if own and user else None,
    )


def _default(user: AbstractBaseUser) -> list[Rule]:
    if settings.BUDGET.get("default_monthly") is None:
        return []
    facts: dict[str, Any] = {"currency": site_currency(), "period": Period.MONTH, "scope": Scope.EACH}
    return [Rule(limit=default_limit(), owner=user.pk, **facts)]


def _purses(rules: Collection[Rule], now: dt.datetime) -> dict[str, Purse]:
    here = Q(pk__in=())
    for rule in rules:
        here |= Q(key=rule.key, starts_on=rule.starts_on(now), currency=rule.currency)
    return {purse.key: purse for purse in Purse.objects.filter(here)} if rules else {}


def _opened(rules: Collection[Rule], now: dt.datetime) -> list[tuple[Rule, Purse]]:
    """Each limit with its purse, made when this is the first request of the period."""
    known = _purses(rules, now)
    if missing := [_purse(rule, now) for rule in rules if rule.key not in known]:
        Purse.objects.bulk_create(missing, ignore_conflicts=True)
        known = _purses(rules, now)
    return [(rule, known[rule.key]) for rule in rules]


def _purse(rule: Rule, now: dt.datetime) -> Purse:
    return Purse(
        key=rule.key,
        budget=rule.budget,
        owner_id=rule.owner,
        period=rule.period,
        starts_on=rule.starts_on(now),
        currency=rule.currency,
    )


def exceeded(least: Allowance, wanted: Decimal) -> BudgetExceeded:
    """What was wanted, what is left where the least is left, and when that begins anew."""
    unit = least.rule.currency
    return BudgetExceeded(
        cost=messages.money(wanted, site_currency()),
        left=messages.money(least.remaining, unit),
        limit=messages.money(least.limit, unit),
        resets=messages.day(least.resets_on),
        whose=least.rule.whose,
        budget=least.facts,
    )

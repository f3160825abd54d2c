"""Asking for more money: a person says how much and why, the owner grants, raises or declines; both are told."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from imagen import alarms, budgets, letters, messages
from imagen.exceptions import Conflict, FieldError, InvalidRequest
from imagen.models import Answer, Budget, Period, Plea, Purse, Scope
from imagen.models.money import amount

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

MOST = Decimal(1_000_000)
WAITING = "more_money_wanted"
OWNERS = "imagen.manage_budget"


def ask(user: AbstractBaseUser, wanted: Decimal, *, reason: str = "") -> Plea:
    """Ask for so much more where the least is left. ``Conflict`` without a budget, or while an answer is awaited."""
    if not Decimal(0) < wanted <= MOST:
        raise InvalidRequest(errors=(FieldError(field="wanted", code="out_of_range", params={"low": 0, "high": MOST}),))
    with transaction.atomic():
        purse = budgets.purse(user)
        if purse is None:
            raise Conflict(state=_("not limited by any budget"))
        plea = _written(Plea(user_id=user.pk, purse=purse, wanted=wanted, reason=reason))
        alarms.sound(WAITING)
        _tell_owners(plea)
    return plea


def _written(plea: Plea) -> Plea:
    try:
        with transaction.atomic():
            plea.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(state=_("already asked for, and not answered yet")) from error
    return plea


def waiting() -> QuerySet[Plea]:
    """What nobody has answered yet, the oldest first."""
    return Plea.objects.filter(answer=Answer.OPEN).select_related("user", "purse__budget").order_by("asked_at", "pk")


def grant(plea: Plea, *, actor: AbstractBaseUser, note: str = "") -> None:
    """So much more for the period that runs now, and for no later one."""
    with transaction.atomic():
        _close(plea, Answer.GRANTED, actor, note)
        purse = budgets.renewed(plea.purse)
        Purse.objects.filter(pk=purse.pk).update(extra=F("extra") + amount(plea.wanted))


def raise_limit(plea: Plea, *, actor: AbstractBaseUser, note: str = "") -> None:
    """So much more in every period from now on; who only had the site's default gets a budget of their own."""
    with transaction.atomic():
        _close(plea, Answer.RAISED, actor, note)
        budget = plea.purse.budget
        if budget is None or budget.scope == Scope.EACH:
            _make_own(plea, budget)
        else:
            Budget.objects.filter(pk=budget.pk).update(limit=F("limit") + amount(plea.wanted))


def decline(plea: Plea, *, actor: AbstractBaseUser, note: str = "") -> None:
    """No more money; ``note`` says why."""
    with transaction.atomic():
        _close(plea, Answer.DECLINED, actor, note)


def _close(plea: Plea, answer: Answer, actor: AbstractBaseUser, note: str) -> None:
    """Write the answer down once; ``Conflict`` when somebody else answered first."""
    facts: dict[str, Any] = {"answer": answer, "note": note, "answered_at": timezone.now(), "answered_by_id": actor.pk}
    if not Plea.objects.filter(pk=plea.pk, answer=Answer.OPEN).update(**facts):
        raise Conflict(state=_("already answered"))
    plea.refresh_from_db()
    if not waiting().exists():
        alarms.end(WAITING)
    _tell_person(plea)


def _make_own(plea: Plea, budget: Budget | None) -> None:
    """A budget of this person's own: the limit that each has, and what was asked for; the purse goes on under it."""
    limit = budget.limit if budget else budgets.default_limit()
    period = Period(plea.purse.period)
    own = Budget(scope=Scope.PERSON, user=plea.user, period=period, limit=limit + plea.wanted)
    own.currency = plea.purse.currency
    _save_own(own)
    running = Purse.objects.filter(pk=budgets.renewed(plea.purse).pk)
    running.update(key=budgets.key(own, plea.user_id), budget=own)


def _save_own(own: Budget) -> None:
    try:
        with transaction.atomic():
            own.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(state=_("already limited by a budget of this person's own; change that one")) from error


def _tell_owners(plea: Plea) -> None:
    """Everybody who may answer."""
    people = cast("Any", get_user_model()._default_manager)
    if not hasattr(people, "with_perm"):  # a site's own kind of user; the alarm is there all the same
        return
    owners = people.with_perm(OWNERS, include_superusers=True, backend="django.contrib.auth.backends.ModelBackend")
    letters.to(
        [getattr(owner, "email", "") for owner in owners], lambda: (_("Somebody asks for more money"), _asked(plea))
    )


def _tell_person(plea: Plea) -> None:
    letters.to([getattr(plea.user, "email", "")], lambda: (_("About the money you asked for"), answered(plea)))


def _facts(plea: Plea) -> dict[str, str]:
    return {
        "person": str(plea.user),
        "wanted": messages.money(plea.wanted, plea.purse.currency),
        "reason": plea.reason or "–",
        "note": plea.note or "–",
    }


def _asked(plea: Plea) -> str:
    return _("%(person)s asks for %(wanted)s more for pictures. Reason: %(reason)s") % _facts(plea)


def answered(plea: Plea) -> str:
    """The answer in plain words, for who asked."""
    told = {
        Answer.OPEN: _("You asked for %(wanted)s more. Nobody has answered yet."),
        Answer.GRANTED: _("You got %(wanted)s more for the period that runs now."),
        Answer.RAISED: _("Your limit was raised by %(wanted)s."),
        Answer.DECLINED: _("You did not get the %(wanted)s you asked for."),
    }
    text = told[Answer(plea.answer)] % _facts(plea)
    note = _("Note: %(note)s") % _facts(plea)
    return f"{text} {note}" if plea.note else text

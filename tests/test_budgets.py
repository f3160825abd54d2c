"""Budgets: money is set aside before anything is sent, and nothing is asked for beyond what is left."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from imagen import budgets, detours, pipeline, resolution, usage
from imagen.conf import settings as ours
from imagen.exceptions import BudgetExceeded, Conflict
from imagen.models import Budget, Entry, Gateway, Generation, Job, Period, Purse
from imagen.states import JobStatus
from tests import factories

pytestmark = pytest.mark.django_db
PRICED = {"wavespeed": {"BACKEND": "imagen.providers.wavespeed.WaveSpeed", "OPTIONS": {"api_key": "k"}}}
CREDITS = {"apiframe": {"BACKEND": "imagen.providers.apiframe.Apiframe", "OPTIONS": {"api_key": "k"}}}


@pytest.fixture(autouse=True)
def site(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One gateway at 0.038 a picture, and a bell nobody hears."""
    settings.IMAGEN = {"PROVIDERS": PRICED, "OFFERS": {"wavespeed": {"imagen-4": {"price": "0.038"}}}}
    monkeypatch.setattr("imagen.queue.knock", lambda: None)


@pytest.fixture
def ann(db: None) -> Any:
    return factories.editor("ann")


def ask(user: Any = None, **options: Any) -> Generation:
    return pipeline.request(user=user, prompt="a lighthouse", **options)


def limit(amount: str, **facts: Any) -> Budget:
    return Budget.objects.create(limit=Decimal(amount), **{"scope": "everybody", "period": "month", **facts})


def left(user: Any = None) -> Decimal | None:
    least = budgets.tightest(user)
    return least.remaining if least else None


def test_what_is_left_for_many_people_is_what_is_left_for_each_in_as_few_queries(ann, django_assert_num_queries):
    people = [factories.editor(name) for name in ("bob", "cid", "dee")]
    desk, _empty = (Group.objects.create(name=name) for name in ("desk", "empty"))
    people[0].groups.add(desk)
    limit("4", scope="each")
    limit("0.5", scope="group", group=desk)
    limit("0.1", scope="group", group=_empty)
    limit("3", scope="person", user=people[1])
    limit("0.9", scope="each", period="day")
    limit("2", scope="person", user=people[2], period="day")
    ask(ann, num_images=2)
    everybody = [ann, *people]
    with django_assert_num_queries(3):
        found = budgets.tightest_each(everybody)
    assert [found[user].remaining for user in everybody] == [Decimal(left) for left in ("0.824", "0.5", "0.9", "2")]
    assert [found[user].rule for user in everybody] == [budgets.tightest(user).rule for user in everybody]
    assert budgets.tightest_each([None]) == {None: None}


def test_what_is_asked_for_is_set_aside_at_once(ann):
    limit("1")
    ask(ann, num_images=2)
    purse = Purse.objects.get()
    assert (purse.reserved, purse.spent, left(ann)) == (Decimal("0.076"), 0, Decimal("0.924"))
    assert [(entry.what, entry.reserved, entry.spent) for entry in Entry.objects.all()] == [
        ("reserved", Decimal("0.076"), 0)
    ]


def test_exactly_as_many_are_taken_as_the_limit_pays_for(ann):
    limit("0.38")
    for _ in range(10):
        ask(ann)
    with pytest.raises(BudgetExceeded):
        ask(ann)
    assert (Generation.objects.count(), left(ann)) == (10, 0)


def test_a_refusal_says_what_is_left_and_when_it_begins_anew(ann):
    limit("0.05")
    with pytest.raises(BudgetExceeded) as refused:
        ask(ann, num_images=2)
    told = refused.value.params
    assert (told["cost"], told["left"], told["limit"]) == ("0.076 USD", "0.05 USD", "0.05 USD")
    first = timezone.now().astimezone(dt.UTC).date().replace(day=28) + dt.timedelta(days=4)
    assert told["budget"]["resets_at"] == f"{first.replace(day=1).isoformat()}T00:00:00Z"
    assert (Generation.objects.count(), Job.objects.count(), Entry.objects.count()) == (0, 0, 0)


@pytest.mark.parametrize(
    ("facts", "user", "counts"),
    [
        ({"scope": "everybody"}, "ann", True),
        ({"scope": "everybody"}, None, True),
        ({"scope": "each"}, "ann", True),
        ({"scope": "each"}, None, False),
        ({"scope": "group"}, "ann", True),
        ({"scope": "group"}, "bob", False),
        ({"scope": "person"}, "ann", True),
        ({"scope": "person"}, "bob", False),
        ({"scope": "person", "period": "day"}, "ann", True),
    ],
)
def test_a_budget_counts_for_those_it_is_about(ann, facts, user, counts):
    people = {"ann": ann, "bob": factories.editor("bob"), None: None}
    group = Group.objects.create(name="desk")
    ann.groups.add(group)
    whose = {"group": {"group": group}, "person": {"user": ann}}.get(facts["scope"], {})
    limit("0.01", **facts, **whose)
    if counts:
        with pytest.raises(BudgetExceeded):
            ask(people[user])
    else:
        ask(people[user])


def test_every_budget_has_to_allow_it_and_a_refusal_takes_from_none(ann):
    limit("1")
    limit("0.05", scope="person", user=ann, period="day")
    ask(ann)
    with pytest.raises(BudgetExceeded):
        ask(ann)
    assert {purse.reserved for purse in Purse.objects.all()} == {Decimal("0.038")}


def test_each_person_has_a_purse_of_their_own(ann):
    limit("0.04", scope="each")
    ask(ann)
    ask(factories.editor("bob"))
    with pytest.raises(BudgetExceeded):
        ask(ann)


def test_a_budget_of_ones_own_replaces_the_one_that_each_has(ann):
    limit("0.01", scope="each")
    limit("0.05", scope="person", user=ann)
    ask(ann)
    assert left(ann) == Decimal("0.012")


def test_the_settings_give_each_person_a_monthly_limit(ann, settings):
    settings.IMAGEN = {**settings.IMAGEN, "BUDGET": {"default_monthly": "0.05"}}
    ask(ann)
    ask()  # nobody's
    with pytest.raises(BudgetExceeded):
        ask(ann)
    limit("0.5", scope="person", user=ann)
    ask(ann)


def test_a_limit_of_nothing_allows_what_is_free(ann, settings):
    settings.IMAGEN = {**settings.IMAGEN, "OFFERS": {"wavespeed": {"imagen-4": {"price": "0"}}}}
    limit("0")
    ask(ann)
    assert left(ann) == 0


def test_an_unknown_price_counts_at_the_ceiling(ann, settings):
    settings.IMAGEN = {
        **settings.IMAGEN,
        "OFFERS": {"wavespeed": {"imagen-4": {"price": None}}},
        "UNKNOWN_PRICE_CEILING": "0.3",
    }
    limit("1")
    quote = pipeline.quote(user=ann, prompt="x", num_images=3)
    assert (quote.estimated, quote.bill.stake, quote.allowed) == (None, Decimal("0.9"), True)
    ask(ann, num_images=3)
    assert left(ann) == Decimal("0.1")


def test_credits_count_at_the_ceiling_until_a_rate_says_what_they_are_worth(ann, settings):
    settings.IMAGEN = {"PROVIDERS": CREDITS}
    limit("10")
    quote = pipeline.quote(user=ann, prompt="x")
    assert (quote.unit, quote.estimated, quote.bill.stake) == ("credits", 7, Decimal("0.25"))
    settings.IMAGEN = {"PROVIDERS": CREDITS, "CREDIT_RATES": {"apiframe": "0.01"}}
    quote = pipeline.quote(user=ann, prompt="x")
    assert (quote.unit, quote.estimated, quote.bill.stake) == ("USD", Decimal("0.07"), Decimal("0.07"))
    generation = ask(ann)
    assert (generation.cost_unit, generation.cost_estimated) == ("USD", Decimal("0.07"))


def test_a_quote_says_what_is_left_and_takes_nothing(ann):
    limit("0.05")
    quotes = [pipeline.quote(user=ann, prompt="x", num_images=count) for count in (1, 2)]
    assert [(quote.allowed, quote.remaining) for quote in quotes] == [(True, Decimal("0.05")), (False, Decimal("0.05"))]
    assert not Purse.objects.exists()


# What happens to the money afterwards.


def entries() -> list[tuple[str, Decimal, Decimal]]:
    return [(entry.what, entry.reserved, entry.spent) for entry in Entry.objects.order_by("pk")]


def accept(job: Job, cost: str | None = "0.038") -> Job:
    """The call as the engine moves it when its provider takes it."""
    job.move(JobStatus.SUBMITTING, wait=60, changes={"fence": job.fence + 1})
    job.move(JobStatus.SENDING, wait=60, stamps=("sent_at",))
    known = {"remote_id": job.pk.hex, "accepted_at": timezone.now(), "cost": cost and Decimal(cost)}
    job.move(JobStatus.PROCESSING, wait=60, changes=known)
    return job


def test_acceptance_turns_what_was_set_aside_into_what_is_spent(ann):
    limit("1")
    accept(ask(ann).jobs.get())
    purse = Purse.objects.get()
    assert (purse.reserved, purse.spent) == (0, Decimal("0.038"))
    assert entries()[1:] == [("captured", Decimal("-0.038"), Decimal("0.038"))]


@pytest.mark.parametrize(
    ("cost", "told", "spent"),
    [("0.05", "0.012", "0.05"), ("0", "-0.038", "0"), ("0.038", None, "0.038"), ("0.01234567", "-0.0257", "0.0123")],
)
def test_the_providers_own_cost_wins_at_the_end(ann, cost, told, spent):
    limit("1")
    job = accept(ask(ann).jobs.get())
    job.move(JobStatus.FAILED, code="provider_failed", changes={"cost": Decimal(cost)})
    assert [line for line in entries() if line[0] == "corrected"] == ([("corrected", 0, Decimal(told))] if told else [])
    assert Purse.objects.get().spent == Decimal(spent)


def test_a_cancel_gives_back_exactly_once(ann):
    limit("1")
    generation = ask(ann)
    pipeline.cancel(generation, actor=ann)
    with pytest.raises(Conflict):
        pipeline.cancel(generation, actor=ann)
    assert entries()[1:] == [("released", Decimal("-0.038"), 0)]
    assert left(ann) == 1


def test_a_retry_pressed_twice_sets_aside_once(ann):
    limit("1")
    generation = ask(ann)
    generation.jobs.get().move(JobStatus.FAILED, code="provider_rejected")
    generation.refresh_from_db()
    pipeline.retry(generation, actor=ann)
    with pytest.raises(Conflict):
        pipeline.retry(generation, actor=ann)
    assert left(ann) == Decimal("0.962")


def test_a_retry_beyond_the_budget_changes_nothing(ann):
    budget = limit("0.04")
    generation = ask(ann)
    generation.jobs.get().move(JobStatus.FAILED, code="provider_rejected")
    generation.refresh_from_db()
    Budget.objects.filter(pk=budget.pk).update(limit=Decimal("0.01"))
    with pytest.raises(BudgetExceeded):
        pipeline.retry(generation, actor=ann)
    generation.refresh_from_db()
    assert (generation.status, generation.jobs.count(), Purse.objects.get().reserved) == ("failed", 1, 0)


def test_a_budget_lowered_below_what_is_set_aside_stops_only_what_is_new(ann):
    budget = limit("1")
    job = ask(ann).jobs.get()
    Budget.objects.filter(pk=budget.pk).update(limit=Decimal("0.01"))
    with pytest.raises(BudgetExceeded) as refused:
        ask(ann)
    assert refused.value.params["left"] == "0.00 USD"
    accept(job)
    assert Purse.objects.get().spent == Decimal("0.038")


def test_a_month_that_ends_meanwhile_is_billed_where_it_was_set_aside(ann, monkeypatch):
    limit("0.05")
    last = dt.datetime(2026, 11, 30, 23, 59, 59, tzinfo=dt.UTC)
    with monkeypatch.context() as patch:
        patch.setattr("imagen.budgets.timezone.now", lambda: last)
        job = ask(ann).jobs.get()
    with monkeypatch.context() as patch:
        patch.setattr("imagen.budgets.timezone.now", lambda: last + dt.timedelta(seconds=2))
        ask(ann)
        accept(job)
    november, december = Purse.objects.order_by("starts_on")
    assert (november.starts_on, november.reserved, november.spent) == (dt.date(2026, 11, 1), 0, Decimal("0.038"))
    assert (december.starts_on, december.reserved, december.spent) == (dt.date(2026, 12, 1), Decimal("0.038"), 0)


def test_a_currency_that_changes_with_money_set_aside_mixes_nothing_up(ann, settings):
    budget = limit("1")
    job = ask(ann).jobs.get()
    settings.IMAGEN = {
        **settings.IMAGEN,
        "BUDGET": {"currency": "EUR"},
        "OFFERS": {"wavespeed": {"imagen-4": {"price": {"amount": "0.04", "unit": "EUR"}}}},
    }
    with pytest.raises(BudgetExceeded):  # a limit in dollars says nothing about euros
        ask(ann)
    accept(job)
    assert (Purse.objects.get().currency, Purse.objects.get().spent) == ("USD", Decimal("0.038"))
    Budget.objects.filter(pk=budget.pk).update(currency="EUR")
    ask(ann)
    assert Purse.objects.get(currency="EUR").reserved == Decimal("0.04")


def test_a_rate_that_changes_meanwhile_does_not_change_what_was_agreed(ann, settings):
    settings.IMAGEN = {"PROVIDERS": CREDITS, "CREDIT_RATES": {"apiframe": "0.01"}}
    limit("10")
    job = ask(ann).jobs.get()
    settings.IMAGEN = {"PROVIDERS": CREDITS, "CREDIT_RATES": {"apiframe": "1"}}
    accept(job, "8")
    assert Purse.objects.get().spent == Decimal("0.08")
    job.generation.refresh_from_db()
    assert (job.generation.cost_unit, job.generation.cost_actual) == ("USD", Decimal("0.08"))


def test_without_a_rate_a_part_of_the_credits_is_a_part_of_the_ceiling(ann, settings):
    settings.IMAGEN = {"PROVIDERS": CREDITS}
    limit("10")
    job = accept(ask(ann).jobs.get(), "7")
    assert Purse.objects.get().spent == Decimal("0.25")
    job.move(JobStatus.FAILED, code="provider_failed", changes={"cost": Decimal("3.5")})
    assert Purse.objects.get().spent == Decimal("0.125")


def test_a_deleted_budget_takes_its_purses_and_nothing_else(ann):
    budget = limit("1")
    job = ask(ann).jobs.get()
    budget.delete()
    accept(job)
    assert (Purse.objects.count(), Entry.objects.count()) == (0, 2)


def test_a_call_sent_again_in_doubt_counts_as_spent_and_one_not_charged_as_nothing(ann):
    limit("1")
    for decide, spent in ((resolution.resend, "0.038"), (resolution.release, "0.038")):
        job = ask(ann).jobs.get()
        job.move(JobStatus.SUBMITTING, wait=60, changes={"fence": job.fence + 1})
        job.move(JobStatus.SENDING, wait=60, stamps=("sent_at",))
        job.move(JobStatus.UNCONFIRMED, code="submit_unknown")
        decide(job, actor=None)
        assert Purse.objects.get().spent == Decimal(spent)
    assert Purse.objects.get().reserved == Decimal("0.038")  # for the call that was sent again


def test_a_request_moves_to_another_service_though_the_budget_is_full(ann, settings):
    settings.IMAGEN = {
        "PROVIDERS": {**PRICED, **CREDITS},
        "OFFERS": {"wavespeed": {"imagen-4": {"price": "0.038"}}},
        "CREDIT_RATES": {"apiframe": "0.005"},
    }
    limit("0.038")
    generation = ask(ann)
    refused = {"pause_code": "provider_auth", "paused_until": timezone.now() + dt.timedelta(minutes=1)}
    Gateway.objects.create(alias="wavespeed", **refused)
    assert detours.take() == 1
    generation.refresh_from_db()
    assert (generation.provider, Purse.objects.get().reserved) == ("apiframe", Decimal("0.035"))


# The ledger.


def test_the_ledger_is_only_added_to(ann):
    ask(ann)
    entry = Entry.objects.get()
    for change in (entry.save, entry.delete, Entry.objects.all().delete, lambda: Entry.objects.update(spent=0)):
        with pytest.raises(TypeError, match="only added to"):
            change()


def test_without_any_budget_the_ledger_is_kept_all_the_same(ann):
    accept(ask(ann).jobs.get())
    assert [line[0] for line in entries()] == ["reserved", "captured"]
    assert left(ann) is None


# Limits that cannot be.


@pytest.mark.parametrize("wrong", [{"limit": Decimal(-1)}, {"scope": "group"}, {"scope": "person"}])
def test_a_limit_that_cannot_be_is_refused_by_form_and_database(wrong):
    budget = Budget(**{"scope": "everybody", "period": "month", "limit": Decimal(1), **wrong})
    with pytest.raises(ValidationError):
        budget.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        budget.save()


def test_two_budgets_for_the_same_are_refused():
    limit("1")
    with pytest.raises(ValidationError, match="already"):
        Budget(scope="everybody", period="month", limit=Decimal(2)).full_clean()


@pytest.mark.parametrize(
    "wrong",
    [
        {"BUDGET": {"currency": "dollars"}},
        {"BUDGET": {"default_monthly": "-1"}},
        {"BUDGET": {"default_monthly": "much"}},
        {"BUDGET": {"limit": "1"}},
        {"CREDIT_RATES": {"apiframe": "0"}},
        {"CREDIT_RATES": {"apiframe": -1}},
        {"CREDIT_RATES": {"apiframe": "NaN"}},
        {"UNKNOWN_PRICE_CEILING": "0"},
    ],
)
def test_settings_that_cannot_be_money_are_named(settings, wrong):
    settings.IMAGEN = wrong
    with pytest.raises(ImproperlyConfigured, match=next(iter(wrong))):
        _ = ours.BUDGET


@pytest.mark.parametrize(
    ("period", "day", "ends"),
    [
        ("month", (2026, 12, 31), (2027, 1, 1)),
        ("day", (2028, 2, 28), (2028, 2, 29)),
        ("month", (2028, 2, 1), (2028, 3, 1)),
    ],
)
def test_a_period_ends_where_the_next_begins(period, day, ends):
    began = Period(period).starts_on(dt.datetime(*day, 12, tzinfo=dt.UTC))
    assert Period(period).ends_on(began) == dt.date(*ends)


# What was used.


def test_usage_tells_what_is_spent_and_set_aside_by_provider_model_and_day(ann):
    limit("1", scope="person", user=ann)
    accept(ask(ann).jobs.get())
    ask(ann, num_images=2)
    ask(factories.editor("bob"))
    found = usage.read(ann)
    assert found.total == (Decimal("0.076"), Decimal("0.038"))
    assert found.by_provider == {"wavespeed": found.total}
    assert found.by_model == {"imagen-4": found.total}
    assert found.by_day == {timezone.now().astimezone(dt.UTC).date(): Decimal("0.038")}
    assert [each.remaining for each in found.budgets] == [Decimal("0.886")]


def test_usage_is_of_everybody_for_those_who_may_see_everybody(ann):
    ask(ann)
    boss = factories.editor("boss", "view_all")
    assert usage.read(boss).total == (Decimal("0.038"), 0)
    assert usage.read(factories.editor("bob")).total == (0, 0)

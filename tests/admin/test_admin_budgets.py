"""Budgets and the ledger in the admin: who may set a limit, what follows, what cannot be, and who only looks."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from imagen import pipeline
from imagen.models import Budget, Entry, Purse
from imagen.states import JobStatus
from tests.admin.conftest import EDITOR
from tests.admin.pages import Page
from tests.factories import generation, person

LIST, ADD = reverse("admin:imagen_budget_changelist"), reverse("admin:imagen_budget_add")
LEDGER = reverse("admin:imagen_entry_changelist")
EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture(autouse=True)
def priced(settings, monkeypatch):
    monkeypatch.setattr("imagen.queue.knock", lambda: None)
    settings.IMAGEN = {**settings.IMAGEN, "OFFERS": {"wavespeed": {"imagen-4": {"price": "0.038"}}}}


@pytest.fixture
def owner(sign_in):
    return sign_in("owner", "manage_budget")


def change(budget):
    return reverse("admin:imagen_budget_change", args=[budget.pk])


def delete(budget):
    return reverse("admin:imagen_budget_delete", args=[budget.pk])


def limit(amount="5", **facts):
    return Budget.objects.create(limit=Decimal(amount), **facts)


def ask(user=None, **options):
    return pipeline.request(user=user, prompt="a lighthouse", provider="wavespeed", **options)


def accept(job, cost="0.038"):
    job.move(JobStatus.SUBMITTING, wait=60, changes={"fence": job.fence + 1})
    job.move(JobStatus.SENDING, wait=60, stamps=("sent_at",))
    known = {"remote_id": job.pk.hex, "accepted_at": timezone.now(), "cost": Decimal(cost)}
    job.move(JobStatus.PROCESSING, wait=60, changes=known)


def text(response):
    return " ".join(Page(response.content.decode().replace("</t", " </t")).text.split())


def said(**changes):
    return {"scope": "everybody", "group": "", "user": "", "period": "month", "limit": "5", **changes}


def errors(response):
    return {name: list(told) for name, told in response.context["adminform"].form.errors.items()}


# Who may.


@pytest.mark.parametrize("page", [LIST, ADD, "change", "delete", LEDGER])
@pytest.mark.parametrize(
    ("who", "allowed"),
    [
        ({"permissions": EDITOR}, False),
        ({"permissions": ("view_generation", "view_all", "view_budget", "change_budget", "delete_budget")}, False),
        ({"permissions": ("manage_budget",)}, True),
        ({"is_superuser": True}, True),
    ],
    ids=["editor", "looks only", "owner", "superuser"],
)
def test_budgets_and_ledger_are_for_who_manages_budgets(sign_in, page, who, allowed):
    facts = dict(who)
    client, budget = sign_in("ann", *facts.pop("permissions", ()), **facts), limit()
    where = {"change": change(budget), "delete": delete(budget)}.get(page, page)
    assert client.get(where).status_code == (200 if allowed else 403)
    assert Client().get(where).status_code == 302


def test_nobody_without_the_permission_sets_a_limit(sign_in):
    client, budget = sign_in("ann", *EDITOR, "change_budget", "add_budget"), limit()
    assert client.post(ADD, said(scope="each")).status_code == 403
    assert client.post(change(budget), {"limit": "1000"}).status_code == 403
    assert client.post(delete(budget), {"post": "yes"}).status_code == 403
    assert [each.limit for each in Budget.objects.all()] == [5]


def test_a_change_needs_the_token_of_the_page(owner):
    careful = Client(enforce_csrf_checks=True)
    careful.cookies = owner.cookies
    assert careful.post(ADD, said()).status_code == 403
    assert not Budget.objects.exists()


# The list.


def test_the_list_says_how_each_budget_stands(owner):
    ann, bob = person("ann"), person("bob")
    limit("1"), limit("0.5", scope="each"), limit("0.2", scope="person", user=ann, period="day")
    accept(ask(ann).jobs.get())
    ask(bob, num_images=2)
    Purse.objects.filter(budget__scope="everybody").update(extra=Decimal(2))
    told = text(owner.get(LIST))
    for part in (
        "everybody together a month 1.00 USD 2.00 USD granted on top 0.038 USD spent 0.076 USD set aside 2.886 USD",
        "each person a month 0.50 USD 0.038 USD spent 0.076 USD set aside used by 2 people until",
        "ann a day 0.20 USD 0.038 USD spent 0.00 USD set aside 0.162 USD until",
    ):
        assert part in told


def test_what_was_spent_last_month_does_not_count_now(owner):
    budget = limit("1")
    ask()
    Purse.objects.filter(budget=budget).update(starts_on=timezone.now().date().replace(year=2001, day=1))
    assert "1.00 USD 0.00 USD spent 0.00 USD set aside 1.00 USD until" in text(owner.get(LIST))


def test_more_budgets_and_purses_cost_no_more_queries(owner):
    def asked():
        owner.get(LIST)
        with CaptureQueriesContext(connection) as queries:
            owner.get(LIST)
        return len(queries)

    limit(), limit(scope="each")
    few = asked()
    for number in range(6):
        user = person(f"person {number}")
        limit(scope="person", user=user)
        ask(user)
    assert asked() == few <= 15


def test_a_budget_in_another_currency_is_named_with_how_to_mend_it(owner):
    budget = limit("3", currency="EUR")
    told = text(owner.get(LIST))
    assert "1 budget is not in USD: where it counts, everything that costs is refused." in told
    assert "nothing its limit is in EUR" in told
    assert "This limit is in EUR and the site counts in USD" in text(owner.get(change(budget)))
    owner.post(change(budget), {"limit": "4"})
    budget.refresh_from_db()
    assert (budget.limit, budget.currency) == (4, "USD")
    assert "is not in USD" not in text(owner.get(LIST))


def test_saving_it_as_it_is_is_enough(owner):
    budget = limit("3", currency="EUR")
    owner.post(change(budget), {"limit": "3.00"})
    budget.refresh_from_db()
    assert budget.currency == "USD"
    assert LogEntry.objects.get().get_change_message() == "Limit: 3.00 EUR → 3.00 USD"


def test_what_the_settings_give_and_credits_of_unknown_worth_are_mentioned(owner, settings):
    apiframe = {"BACKEND": "imagen.providers.apiframe.Apiframe", "OPTIONS": {"api_key": "k"}}
    settings.IMAGEN = {"PROVIDERS": {"apiframe": apiframe}, "BUDGET": {"default_monthly": "5"}}
    told = text(owner.get(LIST))
    assert "may spend 5.00 USD a month, by the settings" in told
    assert "Nobody has said what a credit at Apiframe is worth: each picture made there counts as 0.25 USD" in told
    settings.IMAGEN = {**settings.IMAGEN, "CREDIT_RATES": {"apiframe": "0.01"}}
    assert "Nobody has said" not in text(owner.get(LIST))


# Making one.


def test_a_budget_is_made_in_the_sites_currency_and_the_history_knows_by_whom(owner, settings):
    settings.IMAGEN = {**settings.IMAGEN, "BUDGET": {"currency": "EUR"}}
    person("ann")
    assert owner.post(ADD, said(scope="person", user="ann", period="day", limit="2.5")).status_code == 302
    budget = Budget.objects.get()
    assert (str(budget), budget.limit, budget.currency) == ("ann, a day", Decimal("2.5"), "EUR")
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.object_id, entry.is_addition()) == ("owner", str(budget.pk), True)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"limit": "-1"}, "limit"),
        ({"limit": "much"}, "limit"),
        ({"limit": "NaN"}, "limit"),
        ({"limit": "1e30"}, "limit"),
        ({"limit": ""}, "limit"),
        ({"scope": "group"}, "group"),
        ({"scope": "person"}, "user"),
        ({"scope": "person", "user": "nobody"}, "user"),
        ({"scope": "everybody", "user": "ann"}, "user"),
        ({"scope": "person", "user": "ann", "group": "desk"}, "group"),
        ({"scope": "no such"}, "scope"),
        ({"period": "year"}, "period"),
        ({"scope": "each"}, "scope"),
        ({"scope": "group", "group": "desk"}, "group"),
        ({"scope": "person", "user": "bob"}, "user"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(owner, changes, field):
    desk = Group.objects.create(name="desk")
    person("ann")
    limit(scope="each"), limit(scope="group", group=desk), limit(scope="person", user=person("bob"))
    known = {**changes, **({"group": str(desk.pk)} if "group" in changes else {})}
    response = owner.post(ADD, said(**known))
    assert list(errors(response)) == [field]
    assert Budget.objects.count() == 3


def test_a_limit_of_nothing_is_allowed(owner):
    owner.post(ADD, said(limit="0"))
    assert Budget.objects.get().limit == 0


# Changing one.


def test_only_the_limit_of_a_budget_that_stands_can_be_changed(owner):
    budget = limit("5")
    owner.post(change(budget), said(scope="each", period="day", limit="7.5"))
    budget.refresh_from_db()
    assert (budget.scope, budget.period, budget.limit) == ("everybody", "month", Decimal("7.5"))
    assert LogEntry.objects.get().get_change_message() == "Limit: 5.00 USD → 7.50 USD"


@pytest.mark.parametrize("scope", ["everybody", "each"])
def test_a_limit_below_what_is_gone_is_taken_and_says_what_follows(owner, scope):
    budget = limit(scope=scope)
    ask(person("ann"), num_images=2)
    response = owner.post(change(budget), {"limit": "0.01"}, follow=True)
    assert "What was asked for goes on." in text(response)
    assert "nothing that costs" in text(response)
    budget.refresh_from_db()
    assert budget.limit == Decimal("0.01")


def test_a_limit_that_still_has_room_says_nothing(owner):
    budget = limit()
    ask()
    assert "goes on" not in text(owner.post(change(budget), {"limit": "0.04"}, follow=True))


# Deleting one.


def test_deleting_says_what_follows_and_keeps_the_ledger(owner, settings):
    settings.IMAGEN = {**settings.IMAGEN, "BUDGET": {"default_monthly": "1"}}
    budget = limit(scope="each")
    ask(person("ann"))
    told = text(owner.get(delete(budget)))
    assert "From then on this limits nobody" in told
    assert "may spend 1.00 USD a month, by the settings" in told
    assert "The ledger stays." in told
    owner.post(delete(budget), {"post": "yes"})
    assert (Budget.objects.count(), Purse.objects.count(), Entry.objects.count()) == (0, 0, 1)


def test_the_limit_of_the_settings_is_not_mentioned_where_each_person_has_a_budget(owner, settings):
    settings.IMAGEN = {**settings.IMAGEN, "BUDGET": {"default_monthly": "1"}}
    own, daily = limit(scope="person", user=person("ann")), limit(scope="person", user=person("bob"), period="day")
    assert "by the settings" in text(owner.get(LIST))
    assert "by the settings" in text(owner.get(delete(own)))
    assert "by the settings" not in text(owner.get(delete(daily)))
    limit(scope="each")
    assert "by the settings" not in text(owner.get(LIST))
    told = text(owner.get(delete(own)))
    assert "The budget that each person has counts for this person again." in told
    assert "by the settings" not in told


def test_many_cannot_be_deleted_at_once(owner):
    budget = limit()
    owner.post(LIST, {"action": "delete_selected", "_selected_action": [budget.pk], "post": "yes"})
    assert Budget.objects.exists()


def test_names_are_shown_as_they_are(owner):
    group = Group.objects.create(name=EVIL)
    budget = limit(scope="group", group=group)
    for where in (LIST, change(budget), delete(budget)):
        page = Page(owner.get(where).content.decode())
        assert not page.all("img", src="x")
        assert EVIL in page.text


# The ledger.


def test_the_ledger_shows_every_line_the_newest_first(sign_in):
    client = sign_in("root", is_superuser=True)
    made = ask(person("ann"))
    accept(made.jobs.get())
    told = text(client.get(LEDGER))
    spent, reserved = "−0.038 USD +0.038 USD", "+0.038 USD –"
    assert told.index(spent) < told.index(reserved)
    assert f"{str(made.pk)[:8]} ann · WaveSpeedAI" in told


@pytest.mark.parametrize(
    ("query", "count"),
    [({"what": "captured"}, 1), ({"what": "x"}, 2), ({"from": "2001-01-01", "until": "2001-01-02"}, 0)],
)
def test_the_ledger_can_be_narrowed(sign_in, query, count):
    client = sign_in("root", is_superuser=True)
    accept(ask().jobs.get())
    assert client.get(LEDGER, query).context["cl"].result_count == count


def test_the_ledger_is_read_by_nobody_for_more_than_it_says(sign_in):
    root = sign_in("root", is_superuser=True)
    ask()
    entry = Entry.objects.get()
    assert root.get(reverse("admin:imagen_entry_add")).status_code == 403
    for name in ("change", "delete"):
        where = reverse(f"admin:imagen_entry_{name}", args=[entry.pk])
        assert (root.get(where).status_code, root.post(where, {"post": "yes"}).status_code) == (403, 403)
    root.post(LEDGER, {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"})
    assert Entry.objects.count() == 1


def test_a_line_leads_to_its_request_only_for_who_may_see_it(sign_in):
    made = ask(person("ann"))
    where = reverse("admin:imagen_generation_change", args=[made.pk])
    root, owner = sign_in("root", is_superuser=True), sign_in("owner", "manage_budget")
    assert Page(root.get(LEDGER).content.decode()).all("a", href=where)
    assert not Page(owner.get(LEDGER).content.decode()).all("a", href=where)


def test_a_longer_ledger_costs_no_more_queries(sign_in):
    client = sign_in("root", is_superuser=True)

    def asked():
        client.get(LEDGER)
        with CaptureQueriesContext(connection) as queries:
            client.get(LEDGER)
        return [query["sql"] for query in queries]

    ask()
    few = asked()
    for number in range(5):
        ask(person(f"person {number}"))
    many = asked()
    assert len(many) == len(few) <= 15
    assert any('"imagen_entry"."at" DESC, "imagen_entry"."id" DESC' in sql for sql in many)


# What it cost, on the page of a request.


def test_the_page_of_a_request_shows_its_own_lines_and_their_sum(sign_in):
    client = sign_in("ann", *EDITOR)
    ann = User.objects.get(username="ann")
    made = ask(ann, num_images=2)
    ask(ann)
    where = reverse("admin:imagen_generation_change", args=[made.pk])
    assert "Set aside: 0.076 USD" in text(client.get(where))
    job = made.jobs.get()
    accept(job, "0.076")
    job.move(JobStatus.FAILED, code="provider_failed", changes={"cost": Decimal("0.038")})
    told = text(client.get(where))
    assert "What it cost" in told
    for part in ("Set aside 0.076 USD", "Spent 0.076 USD", "Corrected −0.038 USD", "Spent: 0.038 USD"):
        assert part in told


def test_a_request_that_never_cost_anything_has_no_such_lines(sign_in):
    client = sign_in("ann", *EDITOR)
    old = generation(User.objects.get(username="ann"), cost_estimated=Decimal(0))
    assert "What it cost" not in text(client.get(reverse("admin:imagen_generation_change", args=[old.pk])))

"""``imagen_models --sync``: what the providers list and charge, shown as differences and kept."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import DatabaseError, connection
from django.utils import timezone

from imagen import pipeline, registry, shelf
from imagen.exceptions import Unclear
from imagen.models import Listing
from imagen.providers.wavespeed import WaveSpeed
from imagen.testing import Gateway
from imagen.types import Call
from tests.commands.conftest import SANDBOX

pytestmark = pytest.mark.django_db
Sync = Callable[..., tuple[list[str], int]]
FAST = "wavespeed-ai/imagen4-fast"  # a relative of what our table has


@pytest.fixture(autouse=True)
def shops(settings: Any, imagen_gateway: Gateway) -> Callable[..., None]:
    """A site with two providers that have lists; ``OFFERS`` and the like may be added."""

    def configure(*, url: str = imagen_gateway.url, **changes: Any) -> None:
        backends = {"wavespeed": ("wavespeed.WaveSpeed", "wsk_test"), "apiframe": ("apiframe.Apiframe", "afk_test")}
        settings.IMAGEN = {
            "PROVIDERS": {
                alias: {"BACKEND": f"imagen.providers.{path}", "OPTIONS": {"api_key": key, "base_url": url}}
                for alias, (path, key) in backends.items()
            },
            "CALL_SECONDS": 5,
            **changes,
        }

    configure()
    return configure


@pytest.fixture
def sync(run: Callable[..., str]) -> Sync:
    """Sync and return the lines without their margin, and the exit code."""

    def command(*arguments: str) -> tuple[list[str], int]:
        out, code = io.StringIO(), 0
        try:
            run("imagen_models", "--sync", *arguments, stdout=out)
        except SystemExit as left:
            code = int(str(left.code))
        return [line.strip() for line in out.getvalue().splitlines()], code

    return command


def told(lines: list[str], start: str) -> str:
    """The line that begins so."""
    return next(line for line in lines if line.startswith(start))


def price(id_: str, alias: str = "wavespeed") -> Decimal | None:
    return next(offer.price.amount for offer in registry.offers(alias) if offer.id == id_)


def test_a_list_that_says_what_we_know_changes_nothing_and_is_noted_as_read(sync: Sync):
    lines, code = sync()
    assert (lines[0], code) == ("WaveSpeedAI (wavespeed) lists 8 offers. Nothing is different.", 0)
    assert lines[-1] == "The catalogue stays as it is."
    assert Listing.objects.filter(read_at__gt=timezone.now() - timedelta(minutes=1), gone_since=None).count() == 14


def test_a_price_that_changed_is_shown_with_old_new_and_percentage_and_counts(sync: Sync, imagen_gateway: Gateway):
    imagen_gateway.prices["wavespeed", "google/imagen4"] = 0.04
    lines, _ = sync()
    assert told(lines, "google/imagen4:") == "google/imagen4: 0.0380 → 0.0400 USD a picture (+5.3 %)"
    assert lines[-1] == "The catalogue is up to date; running processes notice within a minute."
    assert pipeline.quote(prompt="x", model="google/imagen4", num_images=2).estimated == Decimal("0.08")


def test_a_price_that_was_unknown_becomes_known(sync: Sync, imagen_gateway: Gateway):
    imagen_gateway.prices["wavespeed", "google/nano-banana-2.1/text-to-image"] = 0.0336
    lines, _ = sync()
    line = told(lines, "google/nano-banana-2.1/text-to-image:")
    assert line.endswith(": price unknown → 0.0336 USD a picture")
    assert "price_unknown" not in pipeline.quote(prompt="x", model="nano-banana-2.1", provider="wavespeed").warnings


def test_a_provider_that_counts_in_credits_is_read_in_credits(sync: Sync, imagen_gateway: Gateway):
    imagen_gateway.prices["apiframe", "nano-banana-pro"] = 12
    lines, _ = sync("--provider", "apiframe")
    assert told(lines, "nano-banana-pro:") == "nano-banana-pro: price unknown → 12.0000 credits a picture"


def test_a_new_offer_is_shown_and_can_be_asked_for(sync: Sync, imagen_gateway: Gateway):
    imagen_gateway.prices["wavespeed", FAST] = 0.01
    lines, _ = sync()
    assert told(lines, FAST) == f"{FAST} is new here, for imagen-4-fast: 0.0100 USD a picture"
    made = pipeline.request(prompt="x", model="imagen-4-fast", num_images=2)
    job = made.jobs.get()
    assert (job.provider_model, job.price, job.terms["price"]) == (FAST, Decimal("0.02"), "0.01")


def test_an_offer_that_is_no_longer_listed_stays_on_sale_and_is_marked(
    run: Callable[..., str], sync: Sync, imagen_gateway: Gateway
):
    imagen_gateway.unlisted.add(("wavespeed", "wavespeed-ai/imagen4"))
    lines, code = sync()
    line = told(lines, "wavespeed-ai/imagen4")
    assert (line, code) == (
        "wavespeed-ai/imagen4 is no longer listed by WaveSpeedAI; it stays on sale here, after what is listed",
        0,
    )
    today = timezone.localdate()
    told_later = run("imagen_models")
    assert f"wavespeed-ai/imagen4  0.0400 USD a picture, no longer listed by WaveSpeedAI since {today}" in told_later
    assert pipeline.quote(prompt="x", model="wavespeed-ai/imagen4").estimated == Decimal("0.04")


def test_what_is_missing_is_told_once_keeps_its_date_and_may_come_back(sync: Sync, imagen_gateway: Gateway):
    gone = ("wavespeed", "wavespeed-ai/imagen4")
    imagen_gateway.unlisted.add(gone)
    sync()
    long_ago = timezone.now() - timedelta(days=3)
    Listing.objects.filter(provider_model=gone[1]).update(gone_since=long_ago)
    assert not any(line.startswith(gone[1]) for line in sync()[0])
    assert registry.gone("wavespeed") == {gone[1]: long_ago}
    imagen_gateway.unlisted.clear()
    assert told(sync()[0], gone[1]) == "wavespeed-ai/imagen4 is listed again"
    assert registry.gone("wavespeed") == {}


def test_a_synced_offer_that_goes_missing_keeps_its_facts(sync: Sync, imagen_gateway: Gateway):
    imagen_gateway.prices["wavespeed", FAST] = 0.01
    sync()
    imagen_gateway.prices.clear()
    sync()
    assert FAST in registry.gone("wavespeed")
    assert price(FAST) == Decimal("0.01")


def test_the_settings_win_and_it_is_said(shops: Callable[..., None], sync: Sync, imagen_gateway: Gateway):
    shops(OFFERS={"wavespeed": {"google/imagen4": {"price": "0.05"}}})
    imagen_gateway.prices["wavespeed", "google/imagen4"] = 0.04
    lines, _ = sync()
    at = lines.index(told(lines, "google/imagen4:"))
    assert lines[at + 1] == "The settings win over this: OFFERS names the price."
    assert price("google/imagen4") == Decimal("0.05")


@pytest.mark.parametrize(
    ("listed", "why"),
    [
        (0.5, "more than ten times as much or less than a tenth is taken for a mistake"),
        (0.001, "more than ten times as much or less than a tenth is taken for a mistake"),
        (0, "it cannot be a price"),
    ],
)
def test_a_price_that_cannot_be_right_is_shown_and_not_taken(
    sync: Sync, imagen_gateway: Gateway, listed: float, why: str
):
    imagen_gateway.prices["wavespeed", "google/imagen4"] = listed
    lines, code = sync()
    line = told(lines, "google/imagen4:")
    assert (line, code) == (f"google/imagen4: 0.0380 → {listed:.4f} USD a picture is not taken, {why}", 0)
    assert price("google/imagen4") == Decimal("0.038")


def test_how_to_set_a_price_that_was_not_taken_is_said_and_works(
    shops: Callable[..., None], sync: Sync, imagen_gateway: Gateway
):
    imagen_gateway.prices["wavespeed", "google/imagen4"] = 0.5
    lines, _ = sync()
    assert told(lines, "If you know") == (
        "If you know better: IMAGEN['OFFERS'] = {'wavespeed': {'google/imagen4': {'price': '0.5'}}}"
    )
    shops(OFFERS={"wavespeed": {"google/imagen4": {"price": "0.5"}}})
    assert price("google/imagen4") == Decimal("0.5")


@pytest.mark.parametrize("odd", ["dear", None, float("nan"), -1, [], {"amount": 1}])
def test_an_exact_price_that_cannot_be_read_leaves_the_known_one(sync: Sync, imagen_gateway: Gateway, odd: Any):
    imagen_gateway.prices["wavespeed", "google/imagen4"] = odd
    lines, code = sync()
    assert (lines[0], code) == ("WaveSpeedAI (wavespeed) lists 8 offers. Nothing is different.", 0)
    assert "google/imagen4," in told(lines, "Exact price not read")
    assert price("google/imagen4") == Decimal("0.038")


def test_a_dry_run_shows_the_same_and_writes_nothing(sync: Sync, imagen_gateway: Gateway):
    imagen_gateway.prices["wavespeed", "google/imagen4"] = 0.04
    lines, _ = sync("--dry-run")
    assert told(lines, "google/imagen4:")
    assert lines[-1] == "Nothing was written: this was a dry run."
    assert (Listing.objects.count(), price("google/imagen4")) == (0, Decimal("0.038"))


def test_one_provider_that_cannot_be_read_changes_nothing_of_itself_and_stops_no_other(
    sync: Sync, imagen_gateway: Gateway
):
    imagen_gateway.closed["apiframe"] = 401
    imagen_gateway.prices["wavespeed", "google/imagen4"] = 0.04
    lines, code = sync()
    assert code == 1
    assert told(lines, "Apiframe") == (
        "Apiframe (apiframe) refuses our key. Its offers stay as they are. Put a valid api_key into its OPTIONS."
    )
    assert lines[-1] == "What could be read is written down; running processes notice within a minute."
    assert (price("google/imagen4"), Listing.objects.filter(provider="apiframe").exists()) == (Decimal("0.04"), False)


@pytest.mark.parametrize("how", [403, 503, "refuse"])
def test_a_provider_that_is_closed_is_told_with_the_reason(sync: Sync, imagen_gateway: Gateway, how: Any):
    imagen_gateway.closed["wavespeed"] = how
    lines, code = sync("--provider", "wavespeed")
    assert (code, "Its offers stay as they are." in lines[0], Listing.objects.count()) == (1, True, 0)


@pytest.mark.parametrize(
    "fault", ["not-json", "empty", "list", "garbled", "truncated", "status", "redirect", "null-data"]
)
def test_a_list_that_is_none_changes_nothing(sync: Sync, imagen_gateway: Gateway, fault: str):
    imagen_gateway.script(catalogue=fault)
    _, code = sync("--provider", "wavespeed")
    assert (code, Listing.objects.count()) == (1, 0)


def test_a_list_that_never_ends_is_given_up(shops: Callable[..., None], sync: Sync, imagen_gateway: Gateway):
    shops(CALL_SECONDS=0.3)
    imagen_gateway.script(catalogue="hang")
    lines, code = sync("--provider", "wavespeed")
    assert (code, "does not answer" in lines[0]) == (1, True)


def test_a_list_with_nothing_of_ours_is_taken_for_a_mistake(sync: Sync, imagen_gateway: Gateway):
    imagen_gateway.unlisted.update(("wavespeed", offer.id) for offer in registry.offers("wavespeed"))
    imagen_gateway.prices["wavespeed", FAST] = 0.01
    lines, code = sync("--provider", "wavespeed")
    assert (code, Listing.objects.count(), registry.gone("wavespeed")) == (1, 0, {})
    assert "lists nothing of what it sells here" in lines[0]


def test_the_database_is_told_nothing_when_it_takes_only_a_part(
    run: Callable[..., str], imagen_gateway: Gateway, monkeypatch: pytest.MonkeyPatch
):
    written: list[str] = []

    def refuse(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("INSERT INTO") and "imagen_listing" in sql:
            written.append(sql)
            if len(written) > 1:
                raise DatabaseError("disk full")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse), pytest.raises(CommandError, match="nothing was changed") as failed:
        run("imagen_models", "--sync")
    assert (failed.value.returncode, Listing.objects.count()) == (1, 0)


def test_a_provider_without_a_list_is_said_to_have_none(shops: Callable[..., None], sync: Sync):
    shops(PROVIDERS=SANDBOX)
    assert sync() == (["Sandbox (sandbox) has no list to read.", "The catalogue stays as it is."], 0)


def test_a_site_without_providers_has_nothing_to_read(shops: Callable[..., None], sync: Sync):
    shops(PROVIDERS={})
    assert sync() == (["No provider is set up here."], 0)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--sync", "--provider", "elsewhere"], "no provider elsewhere with a key. There are: wavespeed, apiframe"),
        (["--provider", "wavespeed"], "go with --sync"),
        (["--dry-run"], "go with --sync"),
    ],
)
def test_bad_arguments_are_refused(run: Callable[..., str], arguments: list[str], text: str):
    with pytest.raises(CommandError, match=text) as refused:
        run("imagen_models", *arguments)
    assert refused.value.returncode == 2


def test_json_says_the_same_to_programs(run: Callable[..., str], imagen_gateway: Gateway):
    imagen_gateway.prices["wavespeed", "google/imagen4"] = 0.04
    document = json.loads(run("imagen_models", "--sync", "--dry-run", "--provider", "wavespeed", "--json"))
    (found,) = document["providers"]
    assert (document["dry_run"], found["provider"], found["error"], found["listed"]) == (True, "wavespeed", None, 8)
    assert found["changes"] == [
        {
            "kind": "price",
            "provider_model": "google/imagen4",
            "model": "imagen-4",
            "old": {"amount": "0.038", "unit": "USD"},
            "new": {"amount": "0.04", "unit": "USD"},
            "percent": "5.3",
            "why": None,
            "settings_win": False,
            "abilities": [],
        }
    ]


def test_a_second_sync_finds_nothing_new(sync: Sync, imagen_gateway: Gateway):
    imagen_gateway.prices["wavespeed", FAST] = 0.01
    imagen_gateway.prices["wavespeed", "google/imagen4"] = 0.04
    sync()
    shelf.prime()  # another process, which read the listings a moment before
    assert sync()[0][0] == "WaveSpeedAI (wavespeed) lists 9 offers. Nothing is different."


def test_what_is_listed_is_read_today_and_what_is_missing_was_read_when_it_was_last_listed(
    sync: Sync, imagen_gateway: Gateway
):
    sync()
    long_ago = timezone.now() - timedelta(days=3)
    Listing.objects.update(read_at=long_ago)
    imagen_gateway.unlisted.add(("wavespeed", "wavespeed-ai/imagen4"))
    sync()
    old = Listing.objects.filter(read_at=long_ago)
    assert [row.provider_model for row in old] == ["wavespeed-ai/imagen4"]


def test_what_was_synced_survives_a_restart(run: Callable[..., str], sync: Sync, imagen_gateway: Gateway):
    imagen_gateway.prices["wavespeed", FAST] = 0.01
    sync()
    shelf.prime()
    assert FAST not in {offer.id for offer in registry.offers("wavespeed")}
    shelf.read()
    assert FAST in run("imagen_models")


def test_exact_prices_are_asked_four_at_a_time(sync: Sync, imagen_gateway: Gateway):
    imagen_gateway.script(catalogue="slow", seconds=0.2)
    sync("--provider", "wavespeed")
    times = sorted(call.at for call in imagen_gateway.calls if call.path.endswith("/model/price"))
    assert len(times) == 8
    assert times[3] - times[0] < 0.2 <= times[4] - times[0] + 0.02


def test_the_listed_price_counts_where_no_exact_one_can_be_asked_for(
    sync: Sync, imagen_gateway: Gateway, monkeypatch: pytest.MonkeyPatch
):
    elsewhere = Call(
        method="GET", url=f"{imagen_gateway.url}/api/v3/nothing", headers={"Authorization": "Bearer wsk_test"}
    )
    monkeypatch.setattr(WaveSpeed, "price", lambda self, offer: (elsewhere,))
    imagen_gateway.prices["wavespeed", "google/imagen4"] = 0.04
    lines, code = sync("--provider", "wavespeed")
    assert (price("google/imagen4"), code, "Exact price" in "".join(lines)) == (Decimal("0.04"), 0, False)


def test_a_list_that_is_not_there_is_no_model_that_is_gone(run: Callable[..., str], imagen_gateway: Gateway):
    imagen_gateway.script(catalogue="status", status=404)
    out = io.StringIO()
    with pytest.raises(SystemExit):
        run("imagen_models", "--sync", "--json", stdout=out)
    assert {found["error"] for found in json.loads(out.getvalue())["providers"]} == {"provider_protocol_error"}


def test_a_key_is_never_printed(sync: Sync, imagen_gateway: Gateway):
    imagen_gateway.closed["wavespeed"] = 401
    lines, _ = sync()
    assert "wsk_test" not in "".join(lines)


def test_a_reading_that_stumbles_is_one_provider_less(sync: Sync, monkeypatch: pytest.MonkeyPatch):
    def read(self: WaveSpeed, reply: Any) -> Any:
        raise AssertionError("a vendor of somebody else's")

    monkeypatch.setattr(WaveSpeed, "read_catalogue", read)
    lines, code = sync()
    assert (code, "answers in a way we do not understand" in lines[0]) == (1, True)
    assert Listing.objects.filter(provider="apiframe").exists()


def test_an_exact_price_that_does_not_come_leaves_the_others(
    sync: Sync, monkeypatch: pytest.MonkeyPatch, imagen_gateway: Gateway
):
    imagen_gateway.prices["wavespeed", "google/imagen4"] = 0.04
    read = WaveSpeed.read_price

    def fail_for_one(self: WaveSpeed, reply: Any) -> Any:
        if b"google/imagen4-fast" in reply.body:
            raise Unclear(code="provider_unavailable")
        return read(self, reply)

    monkeypatch.setattr(WaveSpeed, "read_price", fail_for_one)
    lines, _ = sync("--provider", "wavespeed")
    assert price("google/imagen4") == Decimal("0.04")
    assert "WaveSpeedAI cannot be reached. It is about: google/imagen4-fast" in lines[2]

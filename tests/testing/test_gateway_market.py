"""Prices, lists and balances: what the vendors of a gateway charge and show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from imagen.exceptions import ProviderError
from imagen.testing import Gateway
from imagen.types import Found
from tests.testing.callers import Caller, offers
from tests.testing.test_gateway_vendors import SUBMITS

LISTING = ["wavespeed", "apiframe"]
NEW = {"wavespeed": "google/nano-banana-2.1-lite/text-to-image", "apiframe": "nano-banana-2.1"}
SOLD = {"wavespeed": "google/imagen4", "apiframe": "imagen-4"}


def catalogue(caller: Caller) -> dict[str, Any]:
    """The prices in the list, by id."""
    call = caller.provider.catalogue()
    assert call is not None
    return {offer.id: offer.price.amount for offer in caller.provider.read_catalogue(caller.send(call))}


def balance(caller: Caller) -> str:
    return caller.provider.read_balance(caller.send(caller.provider.balance()[0]))


def history(caller: Caller, after: str = "", *, minutes: float = 1.0) -> Found:
    span = timedelta(minutes=minutes)
    times = {"since": datetime.now(UTC) - span, "until": datetime.now(UTC) + span}
    call = caller.provider.find(offer=next(iter(offers(caller.provider.slug).values())), after=after, **times)
    assert call is not None
    return caller.provider.read_found(caller.send(call))


# Prices and lists


@pytest.mark.parametrize("vendor", LISTING)
def test_the_list_has_everything_we_offer_and_is_read_by_the_vendor(anyone: Any, vendor: str):
    assert catalogue(anyone).keys() == offers(vendor).keys()
    assert catalogue(anyone)[SOLD[vendor]] == offers(vendor)[SOLD[vendor]].price.amount


@pytest.mark.parametrize("vendor", LISTING)
def test_a_price_can_be_another(imagen_gateway: Gateway, anyone: Any, vendor: str):
    imagen_gateway.prices[vendor, SOLD[vendor]] = Decimal("9.5")
    assert catalogue(anyone)[SOLD[vendor]] == Decimal("9.5")


@pytest.mark.parametrize("path", ["model/price", "model/pricing"])
def test_wavespeed_quotes_the_price_of_the_market_on_both_paths(imagen_gateway: Gateway, caller: Any, path: str):
    imagen_gateway.prices["wavespeed", "google/imagen4"] = 0.05
    asked = {"model_id": "google/imagen4", "inputs": {"num_images": 2}}
    data = caller.client.post(f"/api/v3/{path}", json=asked).json()["data"]
    assert (data.get("price", data.get("unit_price")), data["currency"]) == (0.1, "USD")


def test_an_unknown_price_is_null(caller: Any):
    asked = {"model_id": "google/nano-banana-2/text-to-image"}
    assert caller.client.post("/api/v3/model/price", json=asked).json()["data"]["price"] is None


def test_a_job_costs_the_price_of_the_market(imagen_gateway: Gateway, call: Any):
    imagen_gateway.prices["apiframe", "imagen-4"] = 12
    imagen_gateway.script(latency=0)
    assert call(imagen_gateway, "apiframe").finished().cost == 12


@pytest.mark.parametrize("vendor", LISTING)
def test_what_is_unlisted_is_still_sold(imagen_gateway: Gateway, anyone: Any, vendor: str):
    imagen_gateway.unlisted.add((vendor, SOLD[vendor]))
    assert catalogue(anyone).keys() == offers(vendor).keys() - {SOLD[vendor]}
    assert anyone.submit(SOLD[vendor]).remote_id


@pytest.mark.parametrize("vendor", LISTING)
def test_a_new_id_with_a_price_is_listed_and_sold(imagen_gateway: Gateway, anyone: Any, vendor: str):
    path, body = SUBMITS[vendor]
    asked = (f"/api/v3/{NEW[vendor]}", body) if vendor == "wavespeed" else (path, {**body, "model": NEW[vendor]})
    assert anyone.client.post(asked[0], json=asked[1]).status_code in (400, 404)
    imagen_gateway.prices[vendor, NEW[vendor]] = 3
    listed = anyone.client.get({"wavespeed": "/api/v3/models", "apiframe": "/v2/models"}[vendor]).text
    assert f'"{NEW[vendor]}"' in listed
    assert anyone.client.post(asked[0], json=asked[1]).status_code in (200, 202)


def test_a_price_changes_nothing_else(imagen_gateway: Gateway, caller: Any):
    imagen_gateway.prices["wavespeed", "google/imagen4-fast"] = 1
    body = {"prompt": "x", "resolution": "2k"}
    assert caller.client.post("/api/v3/google/imagen4-fast", json=body).status_code == 400


def test_a_listed_schema_names_only_what_the_model_takes(client: httpx.Client):
    models = {model["model_id"]: model["api_schema"] for model in client.get("/api/v3/models").json()["data"]}
    schemas = {name: schema["api_schemas"][0]["request_schema"]["properties"] for name, schema in models.items()}
    assert "num_images" in schemas["google/imagen4"]
    assert "num_images" not in schemas["google/nano-banana-2.1/text-to-image"]


@pytest.mark.parametrize(
    ("vendor", "first", "then"),
    [("wavespeed", "156.78 USD", "0.25 USD"), ("apiframe", "995 credits", "0.25 credits")],
)
def test_a_balance_can_be_another(imagen_gateway: Gateway, anyone: Any, vendor: str, first: str, then: str):
    assert balance(anyone) == first
    imagen_gateway.balance[vendor] = 0.25
    assert balance(anyone) == then


def test_the_other_path_of_the_balance_names_the_currency(client: httpx.Client):
    assert client.get("/api/v3/account/balance").json()["data"] == {"balance": 156.78, "currency": "USD"}


def test_the_secret_of_the_webhooks_is_told(client: httpx.Client):
    assert client.get("/api/v3/webhook/secret").json()["data"] == {"secret": "whsec_test"}


@pytest.mark.parametrize("vendor", LISTING)
@pytest.mark.parametrize("fault", ["status", "not-json", "null-data", "wrong-types", "list"])
def test_the_calls_without_a_prompt_go_wrong_too(imagen_gateway: Gateway, anyone: Any, fault: str):
    imagen_gateway.script(catalogue=fault, history=fault)
    for look in (catalogue, balance, history):
        with pytest.raises(ProviderError):
            look(anyone)
    assert anyone.submit().remote_id


# Lists of jobs


@pytest.mark.parametrize("vendor", LISTING)
def test_the_vendor_finds_its_jobs_in_the_list(call: Any, vendor: str):
    with Gateway(show_inputs=True) as gateway:
        caller = call(gateway, vendor)
        ids = [caller.submit(prompt=f"kitten {number}").remote_id for number in range(2)]
        traces = history(caller).traces
        assert [trace.remote_id for trace in traces] == ids[::-1]
        assert [trace.inputs and trace.inputs["prompt"] for trace in traces] == ["kitten 1", "kitten 0"]
        assert abs(traces[0].made_at.timestamp() - gateway.jobs[1].time) < 0.001
        assert all(trace.model == SOLD[vendor] for trace in traces)


@pytest.mark.parametrize("vendor", LISTING)
def test_the_list_hides_what_was_asked_unless_told_otherwise(anyone: Any):
    anyone.submit()
    assert [trace.inputs for trace in history(anyone).traces] == [None]


@pytest.mark.parametrize("vendor", LISTING)
def test_the_list_goes_on_after_a_page(imagen_gateway: Gateway, anyone: Any, vendor: str):
    path, body = SUBMITS[vendor]
    for _ in range(101):
        anyone.client.post(path, json=body)
    page = history(anyone)
    assert (len(page.traces), bool(page.more)) == (100, True)
    rest = history(anyone, page.more)
    assert ([trace.remote_id for trace in rest.traces], rest.more) == ([imagen_gateway.jobs[0].id], "")


@pytest.mark.parametrize("vendor", LISTING)
def test_a_job_whose_answer_was_lost_is_in_the_list(imagen_gateway: Gateway, anyone: Any):
    imagen_gateway.script(submit="reset-after")
    with pytest.raises(httpx.HTTPError):
        anyone.submit()
    assert [trace.remote_id for trace in history(anyone).traces] == [imagen_gateway.jobs[0].id]


@pytest.mark.parametrize("vendor", LISTING)
def test_a_job_may_show_in_the_list_later(imagen_gateway: Gateway, anyone: Any):
    imagen_gateway.script(hidden=60)
    anyone.submit()
    assert history(anyone).traces == ()
    imagen_gateway.script(hidden=0)
    assert len(history(anyone).traces) == 1


def test_each_list_has_its_own_vendors_jobs(imagen_gateway: Gateway, call: Any):
    waves, frames = (call(imagen_gateway, vendor) for vendor in LISTING)
    ours, theirs = waves.submit().remote_id, frames.submit().remote_id
    assert [[t.remote_id for t in history(c).traces] for c in (waves, frames)] == [[ours], [theirs]]


def test_wavespeed_lists_a_span_of_time(caller: Any):
    caller.submit()
    assert len(history(caller).traces) == 1
    assert history(caller, minutes=-1).traces == ()


# From another process


def test_another_process_can_change_the_market(imagen_gateway: Gateway, client: httpx.Client):
    change = {
        "prices": {"wavespeed": {"google/imagen4": 0.05}},
        "unlisted": {"apiframe": ["imagen-4"]},
        "balance": {"wavespeed": 1.5},
        "closed": {"apiin": 503, "apiframe": "refuse"},
    }
    assert client.post("/__ctl/market", json=change).status_code == 200
    assert imagen_gateway.prices == {("wavespeed", "google/imagen4"): 0.05}
    assert imagen_gateway.unlisted == {("apiframe", "imagen-4")}
    assert imagen_gateway.balance == {"wavespeed": 1.5, "apiframe": 995}
    assert imagen_gateway.closed == {"apiin": 503, "apiframe": "refuse"}
    client.post("/__ctl/market", json={"closed": {"apiin": None, "apiframe": None}})
    assert imagen_gateway.closed == {}


@pytest.mark.parametrize("change", [{"colour": 1}, {"prices": 7}, {"prices": {"wavespeed": 7}}, []])
def test_a_change_with_a_mistake_is_a_400(client: httpx.Client, change: Any):
    assert client.post("/__ctl/market", json=change).status_code == 400

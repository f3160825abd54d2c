"""Closed doors: a vendor that lets nobody in, an account without money, a gateway that is not there."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from imagen.exceptions import Declined, Unclear
from imagen.testing import Gateway
from tests.testing.callers import VENDORS
from tests.testing.test_gateway_vendors import JOBS, STRANGER, SUBMITS


@pytest.mark.parametrize("how", [401, 403, 503])
def test_a_closed_vendor_answers_everything_with_its_refusal(
    imagen_gateway: Gateway, call: Any, anyone: Any, vendor: str, how: int
):
    remote_id = anyone.submit().remote_id
    imagen_gateway.closed[vendor] = how
    path, body = SUBMITS[vendor]
    answers = anyone.client.post(path, json=body), anyone.client.get(JOBS[vendor].format(remote_id))
    assert [answer.status_code for answer in answers] == [how, how]
    code = "provider_unavailable" if how == 503 else "provider_auth"
    with pytest.raises(Unclear if how == 503 else Declined) as caught:
        anyone.submit()
    assert (caught.value.code, len(imagen_gateway.jobs)) == (code, 1)
    other = call(imagen_gateway, next(name for name in VENDORS if name != vendor))
    assert other.submit().remote_id


def test_an_account_without_money_may_look_and_not_buy(imagen_gateway: Gateway, anyone: Any, vendor: str):
    remote_id = anyone.submit().remote_id
    imagen_gateway.closed[vendor] = 402
    with pytest.raises(Declined) as caught:
        anyone.submit()
    assert (caught.value.code, len(imagen_gateway.jobs)) == ("provider_insufficient_credits", 1)
    assert anyone.check(remote_id).remote_id == remote_id


def test_apiframe_says_how_much_is_missing(imagen_gateway: Gateway, call: Any):
    imagen_gateway.closed["apiframe"] = 402
    imagen_gateway.balance["apiframe"] = 3
    answer = call(imagen_gateway, "apiframe").client.post(*SUBMITS["apiframe"][:1], json=SUBMITS["apiframe"][1])
    expected = {"error": "Insufficient credits", "creditsRequired": 7, "creditsAvailable": 3}
    assert (answer.status_code, answer.json()) == (402, expected)


def test_a_vendor_that_refuses_cuts_the_connection_and_hears_nothing(imagen_gateway: Gateway, anyone: Any, vendor: str):
    imagen_gateway.closed[vendor] = "refuse"
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        anyone.client.get(JOBS[vendor].format(STRANGER))
    assert (imagen_gateway.calls, imagen_gateway.jobs) == ([], [])
    del imagen_gateway.closed[vendor]
    assert anyone.submit().remote_id


def test_files_are_served_while_a_vendor_is_closed(imagen_gateway: Gateway, anyone: Any, vendor: str):
    imagen_gateway.script(latency=0)
    (output,) = anyone.finished().outputs
    imagen_gateway.closed[vendor] = 503
    assert anyone.client.get(output.url).status_code == 200


def test_a_gateway_that_stopped_comes_back_at_the_same_address(call: Any):
    with Gateway() as gateway:
        caller = call(gateway)
        url, remote_id = gateway.url, caller.submit().remote_id
        gateway.stop()
        with pytest.raises(httpx.ConnectError):
            caller.submit()
        gateway.start()
        assert gateway.url == url
        assert caller.check(remote_id).remote_id == remote_id


def test_forgetting_opens_everything_again(imagen_gateway: Gateway, anyone: Any, vendor: str):
    imagen_gateway.closed[vendor] = 503
    imagen_gateway.prices[vendor, "x"] = 1
    imagen_gateway.unlisted.add((vendor, "x"))
    imagen_gateway.balance[vendor] = 0
    imagen_gateway.reset()
    market = imagen_gateway
    assert (market.closed, market.prices, market.unlisted) == ({}, {}, set())
    assert market.balance == {"wavespeed": 156.78, "apiframe": 995}
    assert anyone.submit().remote_id

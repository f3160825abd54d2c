"""``webhook_url`` in a request: only with a key that may, and only at an endpoint of one's own that works."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from rest_framework.authentication import BaseAuthentication

from imagen.models import Endpoint, Generation
from tests import factories
from tests.api.conftest import Api
from tests.endpoints import HOSTS, KEY, endpoint

MINE = "https://shop.example/of/this/request?token=1"
ASKED = {"prompt": "a lighthouse", "provider": "sandbox", "webhook_url": MINE}


@pytest.fixture(autouse=True)
def keys(settings: Any, shop: None) -> None:
    settings.IMAGEN = {**settings.IMAGEN, "ENCRYPTION_KEYS": [KEY], "ALLOWED_PRIVATE_HOSTS": HOSTS}


@pytest.fixture
def keyed(ann: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    """Ann with a key that may name an address."""

    class Key(BaseAuthentication):
        def authenticate(self, request: Any) -> Any:
            return ann.user, SimpleNamespace(webhook_urls=True)

    monkeypatch.setattr("imagen.api.door.authenticators", lambda: [Key()])
    return ann


def wrong(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(error["field"], error["code"]) for error in found["errors"]]


def test_a_request_is_told_of_at_an_address_of_its_own(keyed):
    endpoint(keyed.user)
    told = keyed.post("generations/", ASKED)
    assert told.status_code == 202
    assert "webhook_url" not in told.json()
    assert Generation.objects.get().webhook_url == MINE


@pytest.mark.parametrize("path", ["generations/", "quotes/"])
def test_only_a_key_that_may_names_an_address(ann, problem, path):
    endpoint(ann.user)
    for address in (MINE, None, "", 5):
        found = problem(ann.post(path, {**ASKED, "webhook_url": address}), 403, "permission_denied")
        assert wrong(found) == [("webhook_url", "key_may_not")]
    assert not Generation.objects.exists()


def test_in_a_batch_too_only_a_key_that_may_names_an_address(ann, problem):
    endpoint(ann.user)
    found = problem(ann.post("batches/", {"requests": [{"prompt": "a pier"}, ASKED]}), 403, "permission_denied")
    assert wrong(found) == [("requests[1].webhook_url", "key_may_not")]
    assert not Generation.objects.exists()


def test_each_request_of_a_batch_is_told_of_at_its_own_address(keyed):
    endpoint(keyed.user)
    assert keyed.post("batches/", {"requests": [{"prompt": "a pier"}, ASKED]}).status_code == 202
    assert sorted(Generation.objects.values_list("webhook_url", flat=True)) == ["", MINE]


@pytest.mark.parametrize("path", ["generations/", "quotes/"])
@pytest.mark.parametrize(
    "address",
    [
        "https://other.example/x",
        "https://shop.example:8443/x",
        "http://shop.example/x",
        "https://shop.example@evil.example/x",
        "https://evil.example/shop.example",
        "https://u@shop.example/x",
        "https://shop.example\\@evil.example/",
        "https://[/x",
        "javascript:alert(1)",
        "x" * 2001,
    ],
)
def test_the_address_lies_at_one_of_ones_own_endpoints(keyed, problem, path, address):
    endpoint(keyed.user)
    found = problem(keyed.post(path, {**ASKED, "webhook_url": address}), 400, "invalid_request")
    assert wrong(found) == [("webhook_url", "not_your_endpoint")]
    assert not Generation.objects.exists()


@pytest.mark.parametrize("state", ["pending", "disabled"])
def test_an_endpoint_that_does_not_work_lends_no_address(keyed, problem, state):
    reason = "by_hand" if state == "disabled" else ""
    Endpoint.objects.filter(pk=endpoint(keyed.user).pk).update(state=state, reason=reason)
    problem(keyed.post("generations/", ASKED), 400)


def test_somebody_elses_endpoint_lends_no_address(keyed, problem):
    endpoint(factories.editor("bob"))
    problem(keyed.post("generations/", ASKED), 400)


def test_a_price_is_asked_with_the_same_body_and_nobody_is_told(keyed):
    endpoint(keyed.user)
    assert keyed.post("quotes/", ASKED).status_code == 200


@pytest.mark.parametrize("value", [None, 5, ["x"], {}])
def test_it_is_text(keyed, problem, value):
    found = problem(keyed.post("generations/", {**ASKED, "webhook_url": value, "seed": "x"}), 400)
    assert set(wrong(found)) == {("webhook_url", "not_a_string"), ("seed", "not_an_integer")}


def test_an_empty_one_is_none(keyed):
    assert keyed.post("generations/", {**ASKED, "webhook_url": ""}).status_code == 202

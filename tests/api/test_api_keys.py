"""API keys: what they open, what they do not, and that nobody sees them twice."""

from __future__ import annotations

import logging
import re
import traceback
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from django.core import serializers
from django.core.exceptions import ValidationError
from django.db import DatabaseError
from django.db.models import QuerySet
from django.urls import URLPattern
from django.utils import timezone
from rest_framework.authtoken.models import Token

import imagen
from imagen import keyring, keys
from imagen.api import scopes
from imagen.api import urls as addresses
from imagen.api.door import Door
from imagen.api.schema import Open
from imagen.exceptions import Refused
from imagen.models import ApiKey, Generation, IdempotencyKey, KeyScope
from tests import factories
from tests.api.conftest import Api
from tests.api.counted import told

HOW_TO = Path(imagen.__file__).parent.parent / "docs/howto/api-keys.md"
DAY = timedelta(days=1)
WAYS = {
    "bearer": lambda text: {"Authorization": f"Bearer {text}"},
    "token": lambda text: {"Authorization": f"Token {text}"},
    "x-api-key": lambda text: {"X-API-Key": text},
}


@pytest.fixture
def user(db):
    return factories.editor("ann")


@pytest.fixture
def key(user):
    """A key of Ann's that opens everything: its row and its text."""
    return factories.api_key(user)


def knock(text, **more):
    """The interface as a program with this key uses it."""
    return Api(Authorization=f"Bearer {text}", **more)


# --- who comes in ---


@pytest.mark.parametrize("way", WAYS)
def test_a_key_opens_the_interface_in_its_persons_name(user, key, way):
    theirs, foreign = factories.generation(user), factories.generation(factories.editor("bob"))
    found = Api(**WAYS[way](key[1])).get("generations/").json()["results"]
    assert [each["id"] for each in found] == [str(theirs.pk)]
    assert str(foreign.pk) not in str(found)


def test_the_name_of_the_scheme_may_be_in_small_letters_and_spaced(key):
    assert Api(Authorization=f"bearer   {key[1]} ").get("models/").status_code == 200


def wrong(key):
    text = key[1]
    other = keys.mint().text
    return {
        "nothing": "",
        "another word": "wrong",
        "the last sign missing": text[:-1],
        "a slip of the hand": text[:20] + ("A" if text[20] != "A" else "B") + text[21:],
        "two keys in one": f"{text},{text}",
        "another alphabet": text[:-1] + "é",
        "a sign no database holds": "imagen_\x00",
        "very long": text + "x" * 5000,
        "a key nobody made": other,
        "the handle of one and the secret of another": keys.PREFIX + key[0].handle + other[len("imagen_") + 8 :],
    }


@pytest.mark.parametrize("way", WAYS)
def test_what_is_no_key_of_ours_opens_nothing(key, problem, way):
    for what, text in wrong(key).items():
        if way == "token" and not text.startswith(keys.PREFIX):
            continue  # perhaps it is one of DRF's
        response = Api(**WAYS[way](text)).get("models/")
        assert problem(response, 401, "not_authenticated")["errors"], what
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="imagen"', what


def test_a_slip_of_the_hand_is_told_without_a_look_into_the_database(key, problem, django_assert_num_queries):
    slips = wrong(key)
    for what in ("a slip of the hand", "the last sign missing"):
        with django_assert_num_queries(0):
            response = knock(slips[what]).get("models/")
        (error,) = problem(response, 401)["errors"]
        assert (error["field"], error["code"]) == ("Authorization", "key_malformed"), what
        assert "Copy it again" in error["message"]


def test_a_right_handle_with_a_wrong_secret_is_as_unknown_as_any(key, problem):
    body = f"{keys.PREFIX}{key[0].handle}_{'A' * 32}"
    answers = [knock(text).get("models/") for text in (body + keys._sum(body), keys.mint().text)]
    forged, unknown = (problem(answer, 401)["errors"] for answer in answers)
    assert forged == unknown
    assert forged[0]["code"] == "key_unknown"


def test_several_credentials_at_once_open_nothing_even_good_ones(user, key, problem):
    token = Token.objects.create(user=user).key
    both = [
        Api(Authorization=f"Bearer {key[1]}", **{"X-API-Key": key[1]}),
        Api(Authorization=f"Token {token}", **{"X-API-Key": key[1]}),
        Api(Authorization=f"Token\t{token}", **{"X-API-Key": key[1]}),
        Api(Authorization=f"Bearer {factories.api_key(user)[1]}", **{"X-API-Key": key[1]}),
    ]
    for api in both:
        assert problem(api.get("models/"), 401)["errors"][0]["code"] == "two_keys"


def test_a_key_beside_the_password_of_the_web_server_in_front_is_one_credential(key):
    assert Api(Authorization="Basic c2l0ZTpzaXRl", **{"X-API-Key": key[1]}).get("models/").status_code == 200


def test_a_wrong_key_is_not_forgiven_for_a_good_session(user, problem):
    browser = knock("wrong")
    browser.client.force_login(user)
    problem(browser.get("models/"), 401)


def test_drfs_tokens_open_everything_as_before_and_are_no_bearers(user, problem):
    token = Token.objects.create(user=user).key
    assert Api(Authorization=f"Token {token}").post("generations/", {"prompt": "x"}).status_code == 202
    problem(Api(Authorization=f"Bearer {token}").get("models/"), 401)


def test_keys_need_no_tokens_of_drfs(user, key, settings, problem):
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if "authtoken" not in name]
    assert Api(Authorization=f"Token {key[1]}").get("models/").status_code == 200
    browser = Api(Authorization="Token wrong")
    browser.client.force_login(user)
    problem(browser.get("models/"), 401)


def test_an_expired_key_says_so(user, problem):
    _, text = factories.api_key(user, expires_at=timezone.now() + DAY)
    assert knock(text).get("models/").status_code == 200
    ApiKey.objects.update(expires_at=timezone.now())
    assert problem(knock(text).get("models/"), 401)["errors"][0]["code"] == "key_expired"


def test_a_revoked_key_says_so_and_stays_revoked(key, problem):
    row, text = key
    assert keyring.revoke(row)
    assert not keyring.revoke(row)
    assert problem(knock(text).get("models/"), 401)["errors"][0]["code"] == "key_revoked"


def test_the_keys_of_a_closed_account_open_nothing(user, key, problem):
    user.is_active = False
    user.save()
    assert problem(knock(key[1]).get("models/"), 401)["errors"][0]["code"] == "key_unknown"


# --- what it opens ---


def every_call():
    """Each method of each address of the interface that looks at a key, and of the pictures."""
    from imagen import urls  # noqa: PLC0415

    for pattern in (*addresses.urlpatterns, *urls.urlpatterns):
        view = getattr(pattern.callback, "view_class", None) if isinstance(pattern, URLPattern) else None
        route = re.sub(r"<(?:\w+:)?pk>", "{id}", str(pattern.pattern))
        closed = view is not None and issubclass(view, Door) and not issubclass(view, Open)
        if closed and (route.endswith("/") or "<" in route):
            for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
                if hasattr(view, method.lower()):
                    yield f"{method} {route}", view


def test_what_each_scope_opens_stands_in_the_how_to_and_nothing_else_is_there():
    told = {
        call: scope
        for scope, calls in re.findall(r"^\| `(read|generate|manage)` \| (.+) \|$", HOW_TO.read_text(), re.MULTILINE)
        for call in re.findall(r"`([A-Z]+ [^`]+)`", calls)
    }
    assert told == {call: scopes.needed(view, call.partition(" ")[0]) for call, view in every_call()}


def calls(generation):
    """A call for each scope."""
    return {
        "read": ("get", "models/", None),
        "generate": ("post", f"generations/{generation.pk}/cancel/", None),
        "manage": ("delete", f"generations/{generation.pk}/", None),
    }


@pytest.mark.parametrize("scope", KeyScope.values)
def test_a_key_opens_its_scopes_and_names_the_one_that_is_missing(user, problem, scope):
    api = knock(factories.api_key(user, scope)[1])
    for needed, (method, path, body) in calls(factories.generation(user)).items():
        response = api.send(method, path, body)
        if needed == scope:
            assert response.status_code in (200, 204), needed
        else:
            (error,) = problem(response, 403, "permission_denied")["errors"]
            assert (error["field"], error["code"]) == ("scope", "scope_missing")
            assert f"“{needed}”" in error["message"]
            assert f'error="insufficient_scope", scope="{needed}"' in response.headers["WWW-Authenticate"]


def test_a_refused_scope_is_counted_and_does_nothing(user, problem, limit):
    limit(generate="1/day")
    api = knock(factories.api_key(user, "read")[1])
    problem(api.post("generations/", {"prompt": "x"}), 403)
    problem(api.post("generations/", {"prompt": "x"}), 429)
    assert not Generation.objects.exists()


def test_a_view_may_say_otherwise_and_an_unknown_method_needs_the_most():
    class Odd(Door):
        scopes = {"POST": "manage"}

    assert [scopes.needed(Odd, method) for method in ("GET", "POST", "BREW")] == ["read", "manage", "manage"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "BREW", "OPTIONS"])
@pytest.mark.parametrize("scope", KeyScope.values)
def test_no_scope_is_named_that_would_not_help_either(user, problem, scope, method):
    api = knock(factories.api_key(user, scope)[1])
    problem(api.client.generic(method, api.url("models/")), 405, "method_not_allowed")


def test_a_scope_gives_nothing_that_its_person_may_not_do(db, problem):
    reader = factories.person("reader")
    problem(knock(factories.api_key(reader)[1]).post("generations/", {"prompt": "x"}), 403, "permission_denied")


def test_pictures_need_the_scope_to_look(user, problem):
    picture = factories.completed(user).images.get()
    blind, seeing = (knock(factories.api_key(user, scope)[1]) for scope in ("generate", "read"))
    for path in (f"/imagen/images/{picture.pk}/", f"/imagen/images/{picture.pk}/thumbnail/"):
        problem(blind.get(path), 403)
        assert b"".join(seeing.get(path))


def test_two_keys_of_one_person_share_what_an_idempotency_key_stands_for(user):
    texts = [factories.api_key(user)[1] for _ in range(2)]
    answers = [knock(text).post("generations/", {"prompt": "x"}, Idempotency_Key="order-1") for text in texts]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert IdempotencyKey.objects.count() == 1


def test_only_some_keys_may_name_an_address_to_ring(user):
    assert [factories.api_key(user, webhook_urls=may)[0].webhook_urls for may in (False, True)] == [False, True]


# --- how often ---


@pytest.mark.usefixtures("noon")
def test_each_key_is_counted_on_its_own_and_apart_from_its_person(user, limit):
    limit(read="1/day")
    first, second = (knock(factories.api_key(user)[1]) for _ in range(2))
    assert [first.get("models/").status_code for _ in range(2)] == [200, 429]
    assert second.get("models/").status_code == 200
    assert Api(user).get("models/").status_code == 200


@pytest.mark.usefixtures("noon")
def test_the_rate_of_a_key_counts_all_it_does_and_is_what_it_is_told(user, limit, problem):
    limit(read="5/hour")
    api = knock(factories.api_key(user, rate="2/min")[1])
    asked, looked, refused = api.post("generations/", {"prompt": "x"}), api.get("models/"), api.get("models/")
    assert [asked.status_code, looked.status_code] == [202, 200]
    assert [told(each)[:2] for each in (asked, looked, refused)] == [(2, 1), (2, 0), (2, 0)]
    problem(refused, 429, "throttled")
    assert refused.headers["Retry-After"] == "60"


@pytest.mark.usefixtures("noon")
def test_a_batch_counts_in_the_rate_of_a_key_with_all_its_requests(user, limit, problem):
    limit()
    api = knock(factories.api_key(user, rate="3/min")[1])
    asked = {"requests": [{"prompt": "a pier", "provider": "sandbox"}] * 2}
    assert api.post("batches/", asked).headers["RateLimit-Remaining"] == "1"
    problem(api.post("batches/", asked), 429, "throttled")


@pytest.mark.usefixtures("noon")
@pytest.mark.parametrize("rates", [{"site": "3/min"}, {"key": "3/min"}, {"site": "9/min", "key": "3/min"}])
def test_a_batch_that_no_waiting_makes_small_enough_is_refused_for_good(user, limit, problem, rates):
    limit(generate=rates.get("site"))
    api = knock(factories.api_key(user, rate=rates.get("key", ""))[1])
    asked = {"requests": [{"prompt": "a pier", "provider": "sandbox"}] * 4}
    refused = api.post("batches/", asked)
    (error,) = problem(refused, 400, "invalid_request")["errors"]
    assert (error["field"], error["code"]) == ("requests", "wrong_number")
    assert "3" in error["message"]
    assert "Retry-After" not in refused.headers


@pytest.mark.usefixtures("noon")
def test_no_rate_of_a_key_lifts_the_limit_of_the_site(user, limit):
    limit(read="1/hour")
    api = knock(factories.api_key(user, rate="1000/s")[1])
    answers = [api.get("models/") for _ in range(2)]
    assert [(each.status_code, told(each)[:2]) for each in answers] == [(200, (1, 0)), (429, (1, 0))]


@pytest.mark.usefixtures("noon")
def test_of_two_limits_that_say_no_the_longer_one_is_told(user, limit):
    limit(read="1/day")
    api = knock(factories.api_key(user, rate="1/min")[1])
    assert int([api.get("models/") for _ in range(2)][1].headers["Retry-After"]) > 60


# --- how it is kept ---


def test_a_key_is_recognised_by_what_it_begins_with():
    assert re.fullmatch(r"imagen_[0-9A-Za-z]{8}_[0-9A-Za-z]{38}", keys.mint().text)
    assert len({keys.mint().text for _ in range(100)}) == 100


def test_the_database_does_not_know_the_key_and_shows_its_end(key):
    row, text = key
    stored = serializers.serialize("json", ApiKey.objects.all())
    assert text not in stored
    assert text.rpartition("_")[2] not in stored
    assert str(row) == f"Shop (…{text[-4:]})"


def test_when_it_was_used_is_noted_once_a_minute(key, django_assert_num_queries):
    row, text = key
    knock(text).get("models/")
    row.refresh_from_db()
    first = row.last_used_at
    with django_assert_num_queries(1):
        knock(text).get("models/")
    row.refresh_from_db()
    assert row.last_used_at == first
    ApiKey.objects.update(last_used_at=first - timedelta(minutes=2))
    knock(text).get("models/")
    row.refresh_from_db()
    assert row.last_used_at >= first


def test_a_database_that_notes_nothing_does_not_refuse(key, monkeypatch, caplog):
    def full(*args, **kwargs):
        raise DatabaseError("disk full")

    monkeypatch.setattr(QuerySet, "update", full)
    assert knock(key[1]).get("models/").status_code == 200
    assert "could not be noted: DatabaseError" in caplog.text


def test_a_name_is_one_line_that_does_nothing_to_a_terminal(user):
    row, _ = keyring.issue(user=user, name=" Shop\n\x1b[2J9XxAa12B  …zz \x9b valid\u202e ", scopes=["read"])
    assert row.name == "Shop [2J9XxAa12B …zz valid"
    assert keyring.issue(user=user, name="می\u200cخواهم", scopes=["read"])[0].name == "می\u200cخواهم"
    with pytest.raises(ValidationError):
        keyring.issue(user=user, name="\x1b\n", scopes=["read"])


def test_so_many_keys_are_enough_for_one_person(user, monkeypatch):
    monkeypatch.setattr(keyring, "MOST", 2)
    first = factories.api_key(user)[0]
    factories.api_key(user)
    with pytest.raises(Refused):
        factories.api_key(user)
    keyring.revoke(first)
    factories.api_key(user)


def test_making_and_revoking_stand_in_the_history(user, key):
    boss = factories.person("boss")
    keyring.revoke(key[0], actor=boss)
    assert list(LogEntry.objects.order_by("pk").values_list("user__username", "change_message")) == [
        ("ann", "Made."),
        ("boss", "Revoked."),
    ]


def test_a_site_without_the_admin_has_keys_too(user, monkeypatch):
    monkeypatch.setattr(keyring.apps, "is_installed", lambda name: False)
    row, _ = factories.api_key(user)
    keyring.revoke(row)
    assert (row.user, LogEntry.objects.count()) == (user, 0)


def test_the_key_shows_nowhere(user, key, caplog, problem, monkeypatch):
    """Not in logs, tracebacks, answers, the history, or what Python shows of it."""
    row, text = key
    caplog.set_level(logging.DEBUG)
    seen = [repr(row), str(row), repr(keys.read(text)), repr(row.__dict__)]
    for api in (knock(text), knock(text + "x"), Api(Authorization=f"Bearer {text}", **{"X-API-Key": text})):
        seen += [api.get(path).content.decode() for path in ("models/", f"generations/{text}/", "images/?nothing=1")]
    monkeypatch.setattr("imagen.presentation.models_json", lambda: 1 / 0)
    seen.append(problem(knock(text).get("models/"), 500)["detail"])
    try:
        keyring.issue(user=user, name="", scopes=["read"])
    except Exception as error:
        seen.append("".join(traceback.format_exception(error)))
    seen += [caplog.text, *LogEntry.objects.values_list("object_repr", flat=True)]
    secret = text.rpartition("_")[2]
    assert [each for each in seen if secret in each] == []

"""What requests are counted in: many at once, caches of every kind, and one that is away."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache.backends.redis import RedisCache

from imagen import pipeline
from imagen.api import counters
from imagen.models import Entry, Generation, IdempotencyKey
from project.environment import cache
from tests import factories
from tests.api.counted import untold

pytestmark = pytest.mark.usefixtures("noon")  # no window ends by itself

LOCMEM = "django.core.cache.backends.locmem.LocMemCache"
AWAY = "redis.exceptions.ConnectionError"


@pytest.fixture
def away(settings):
    """The cache is a Redis that nobody runs."""
    settings.CACHES = {"default": cache("redis://127.0.0.1:1/0")}


def rows():
    return [model.objects.count() for model in (Generation, Entry, IdempotencyKey)]


@pytest.mark.fault("F21")
def test_without_a_cache_people_look_and_stop_and_nobody_spends(ann, anonymous, away, problem):
    made = pipeline.request(user=ann.user, prompt="x", provider="sandbox")
    failed = factories.generation(ann.user, status="failed", error_code="provider_failed")
    before = rows()
    for refused in (
        ann.post("generations/", {"prompt": "y"}, Idempotency_Key="k"),
        ann.post(f"generations/{failed.pk}/retry/"),
    ):
        assert problem(refused, 503, "service_unavailable")["next_actions"] == ["wait"]
        assert int(refused.headers["Retry-After"]) > 0
        assert untold(refused)
    assert rows() == before
    looked = [ann.get("generations/"), ann.get(f"generations/{made.pk}/"), ann.post("quotes/", {"prompt": "x"})]
    assert [each.status_code for each in looked] == [200] * 3
    assert all(untold(each) for each in looked)
    assert ann.post(f"generations/{made.pk}/cancel/").status_code == 200
    problem(anonymous.get("models/"), 401, "not_authenticated")


def test_a_scope_without_a_limit_needs_no_cache(ann, away, limit):
    limit(generate=None)
    assert ann.post("generations/", {"prompt": "x"}).status_code == 202


def test_a_cache_that_is_away_is_said_once_and_asked_again_after_a_pause(ann, away, settings, caplog, monkeypatch):
    caplog.set_level(logging.WARNING, "imagen")
    for _ in range(3):
        ann.get("models/")
    monkeypatch.setattr(counters, "_asked_again_at", time.monotonic() - 1)
    ann.get("models/")  # asked again, and still away
    assert [each.getMessage() for each in caplog.records] == [
        f"the cache does not answer ({AWAY}): uncounted requests go on, those that spend do not"
    ]
    settings.CACHES = {"default": {"BACKEND": LOCMEM, "LOCATION": "back"}}
    assert untold(ann.get("models/"))  # not asked yet
    monkeypatch.setattr(counters, "_asked_again_at", time.monotonic() - 1)
    assert not untold(ann.get("models/"))
    assert caplog.records[-1].getMessage() == "the cache answers again"


def test_a_cache_that_swallows_its_errors_is_away_too(ann, settings, problem):
    settings.CACHES = {"default": {"BACKEND": "tests.api.forgetful.Forgetful"}}
    problem(ann.post("generations/", {"prompt": "x"}), 503, "service_unavailable")
    assert ann.get("models/").status_code == 200


def test_a_cache_that_keeps_nothing_limits_nothing(ann, settings, limit):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    limit(generate="1/day")
    assert [ann.post("generations/", {"prompt": "x"}).status_code for _ in range(3)] == [202] * 3


def test_a_long_window_is_remembered_longer_than_the_cache_would_by_itself(ann, settings, limit, tmp_path):
    backend = "django.core.cache.backends.filebased.FileBasedCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": str(tmp_path / "cache"), "TIMEOUT": 1}}
    limit(read="2/hour")
    assert [ann.get("models/").status_code for _ in range(2)] == [200] * 2
    time.sleep(1.2)
    assert ann.get("models/").status_code == 429


@pytest.fixture
def in_redis(redis_url, monkeypatch):
    """One cache in Redis for all threads, put away afterwards; Django's own is one for each."""
    shared = RedisCache(redis_url, {})
    monkeypatch.setattr(counters, "cache", shared)
    yield
    shared._cache.get_client().connection_pool.disconnect()


@pytest.mark.parametrize("kind", ["memory", pytest.param("redis", marks=pytest.mark.service)])
def test_many_at_once_are_each_counted_once(kind, request):
    if kind == "redis":
        request.getfixturevalue("in_redis")
    with ThreadPoolExecutor(8) as crowd:
        found = list(crowd.map(lambda _: counters.count("crowd", seconds=60), range(200)))
    assert sorted(found) == list(range(1, 201))

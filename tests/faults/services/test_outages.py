"""The database, the broker or the way to the gateway is away for a moment: nothing is lost, nothing is paid twice."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

import psycopg
import pytest

from imagen.engine import desk, writer
from proof.site import Answer
from tests.faults.services.conftest import (
    POSTS,
    PRICE,
    Weather,
    at_once,
    is_unavailable,
    is_whole,
    money,
    wait,
)

pytestmark = [pytest.mark.service, pytest.mark.story, pytest.mark.timeout(180)]
COUNTED_WITHIN, AT_ONCE = 4.0, 0.9  # two seconds and less than one, and what a busy machine adds
LONGEST = 15.0  # ten, and what a busy machine adds: the proof of G17 measures


@pytest.mark.fault("F1")
def test_f01_a_web_server_that_dies_before_the_commit_leaves_nothing_and_the_client_asks_again(
    weather: Weather,
) -> None:
    key, body = {"Idempotency-Key": "f1"}, json.dumps({"prompt": "f1"})
    lines = weather.sql("SELECT count(*) FROM imagen_entry")
    with psycopg.connect(weather.address) as other:
        other.execute("LOCK TABLE imagen_event IN ACCESS EXCLUSIVE MODE")
        talk = http.client.HTTPConnection("127.0.0.1", weather.place.port, timeout=30)
        headers = {"Authorization": f"Token {weather.place.token}", "Content-Type": "application/json", **key}
        talk.request("POST", POSTS, body, headers)
        waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'imagen_event'::regclass"
        wait(lambda: weather.sql(waits))  # its rows are written, nothing is committed
        weather.place.kill(weather.web)
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            talk.getresponse()
    assert weather.sql("SELECT 1 FROM imagen_generation WHERE prompt = 'f1'") == []
    assert weather.sql("SELECT count(*) FROM imagen_entry") == lines  # nothing was set aside
    weather.web = weather.place.serve()
    first, again = weather.post("f1", **key), weather.post("f1", **key)
    assert (first.status, again.status, again.body) == (202, 202, first.body)
    assert len(weather.sql("SELECT 1 FROM imagen_generation WHERE prompt = 'f1'")) == 1
    assert money(first.json) == (Decimal(PRICE), None)
    weather.worker()
    is_whole(weather.end(first.json))
    assert weather.bought("f1") == 1


@pytest.mark.fault("F2")
@pytest.mark.parametrize("how", ["refuse", "blackhole"])
def test_f02_a_request_is_taken_while_the_broker_is_down_and_heard_of_when_it_is_back(
    weather: Weather, how: str
) -> None:
    with weather.redis.bad(how):
        begun = time.monotonic()
        made, second = weather.ask(f"f2 {how}"), weather.ask(f"f2 again {how}")
        health = weather.place.call("GET", "/healthz")
        assert time.monotonic() - begun < LONGEST
        assert (health.status, health.json["broker"]) == (200, "down")
        assert (made["status"], made["error"], money(made)) == ("queued", None, (Decimal(PRICE), None))
    weather.sql("UPDATE django_q_schedule SET next_run = now() + interval '1 day'")  # no sweep helps
    weather.place.cluster()
    for each in (made, second):
        is_whole(weather.end(each))
        assert weather.bought(each["prompt"]) == 1


@pytest.mark.fault("F3")
@pytest.mark.fault("F21")
def test_f03_f21_a_queue_that_lost_its_memory_loses_no_work(weather: Weather) -> None:
    made = weather.ask("f3")
    weather.dry.inside("wipe")
    cluster = weather.place.cluster()
    time.sleep(1)
    assert weather.job(made)["status"] == "queued"
    assert cluster.poll() is None
    weather.place.manage("imagen_sweep")
    is_whole(weather.end(made))
    assert weather.bought("f3") == 1


@pytest.mark.fault("F21")
@pytest.mark.parametrize("how", ["refuse", "reset", "blackhole", "mute"])
def test_f21_while_nobody_can_count_people_look_and_nobody_spends(counting: Weather, how: str) -> None:
    made, early, key = counting.ask(f"f21 {how}"), f"f21 early {how}", {"Idempotency-Key": f"f21 {how}"}
    before = counting.sql("SELECT count(*), sum(reserved), sum(spent) FROM imagen_entry")

    def look() -> Answer:
        return counting.place.call("GET", f"{POSTS}{made['id']}/")

    with mute(counting) if how == "mute" else counting.redis.bad(how):
        calls = [look, lambda: counting.post(early, **key)] * 4
        answers = at_once(*(timed(call) for call in [*calls, *calls[:2]]))
        for looked, took in answers[::2]:
            assert (looked.status, looked.json["id"], "RateLimit-Limit" in looked.headers) == (200, made["id"], False)
            assert took < COUNTED_WITHIN
        for posted, took in answers[1::2]:
            is_unavailable(posted)
            assert took < COUNTED_WITHIN
        _, took = timed(look)()
        assert took < AT_ONCE  # nobody waits a second time
        assert counting.sql("SELECT count(*), sum(reserved), sum(spent) FROM imagen_entry") == before
        assert counting.sql("SELECT 1 FROM imagen_generation WHERE prompt = %s", early) == []
    again = wait(lambda: (answer := counting.post(early, **key)).status == 202 and answer)
    assert "Idempotency-Replayed" not in again.headers
    assert int(again.headers["RateLimit-Remaining"]) < int(again.headers["RateLimit-Limit"])
    counting.worker()
    for each in (made, again.json):
        is_whole(counting.end(each))
    assert (counting.bought(f"f21 {how}"), counting.bought(early)) == (1, 1)


@contextmanager
def mute(weather: Weather) -> Iterator[None]:
    """A Redis that takes connections and then says nothing."""
    weather.redis.be("reset")
    weather.redis.latency = 30.0
    weather.redis.be("fair")
    try:
        yield
    finally:
        weather.redis.latency = 0.0


def timed(call: Callable[[], Answer]) -> Callable[[], tuple[Answer, float]]:
    """The same call, with how long it took."""

    def clocked() -> tuple[Answer, float]:
        begun = time.monotonic()
        return call(), time.monotonic() - begun

    return clocked


@pytest.mark.fault("F4")
def test_f04_a_worker_killed_before_the_first_byte_leaves_a_call_that_is_sent_once(weather: Weather) -> None:
    made = weather.ask("f4")
    with weather.vendor.bad("blackhole"):
        worker = weather.worker()
        wait(lambda: weather.job(made)["status"] == "submitting")
        weather.place.kill(worker)
    told = weather.place.look(made)
    assert (told["status"], told["error"], money(told)) == ("queued", None, (Decimal(PRICE), None))
    assert weather.job(made)["sent_at"] is None
    weather.worker()
    is_whole(weather.end(made))
    assert weather.bought("f4") == 1
    assert weather.history(made)[:3] == ["submitting", "queued", "submitting"]


@pytest.mark.fault("F7")
@pytest.mark.fault("F18")
def test_f07_f18_an_answer_that_cannot_be_saved_is_kept_until_the_database_is_back(weather: Weather) -> None:
    assert writer.PATIENCE_SECONDS == 30
    weather.gateway.script("f7", submit="slow", seconds=1.0)
    weather.worker()
    made = weather.ask("f7")
    wait(lambda: weather.bought("f7"))
    with weather.database.bad("refuse"):
        time.sleep(2.5)  # longer than the gateway takes to answer
        assert weather.job(made)["status"] == "sending"
    is_whole(weather.end(made))
    assert weather.bought("f7") == 1
    assert "unconfirmed" not in weather.history(made)


@pytest.mark.fault("F17")
@pytest.mark.parametrize("how", ["reset", "blackhole"])
def test_f17_while_the_database_is_down_the_site_says_so_soon_and_afterwards_goes_on(
    weather: Weather, how: str
) -> None:
    weather.gateway.script(f"f17 {how}", latency=1.5)
    worker = weather.worker()
    made = weather.ask(f"f17 {how}")
    wait(lambda: weather.bought(f"f17 {how}"))
    with weather.database.bad(how):
        begun = time.monotonic()
        got, posted, health = at_once(
            lambda: weather.place.call("GET", f"{POSTS}{made['id']}/"),
            lambda: weather.post("f17 too early", **{"Idempotency-Key": f"f17 {how}"}),
            lambda: weather.place.call("GET", "/healthz"),
        )
        assert time.monotonic() - begun < LONGEST
        is_unavailable(got)
        is_unavailable(posted)
        assert (health.status, health.json["database"]) == (503, "down")
    assert worker.poll() is None
    assert desk.OUTAGE_SECONDS <= 10
    again = weather.post("f17 too early", **{"Idempotency-Key": f"f17 {how}"})
    assert again.status == 202
    assert "Idempotency-Replayed" not in again.headers
    for each in (made, again.json):
        is_whole(weather.end(each))
    assert weather.bought(f"f17 {how}") == 1


@pytest.fixture
def standby(weather: Weather) -> Iterator[Weather]:
    """The database's connections are cut, and new ones may only read: the address leads to a standby."""
    name = weather.address.rpartition("/")[2]
    weather.sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    weather.database.be("reset")
    weather.database.be("fair")
    yield weather
    weather.sql(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
    weather.database.be("reset")
    weather.database.be("fair")


@pytest.mark.fault("F17")
def test_f17_a_failover_to_a_standby_is_answered_like_an_outage(standby: Weather) -> None:
    is_unavailable(standby.post("f17 standby"))
    assert standby.place.call("GET", POSTS).status == 200


@pytest.mark.fault("F17")
def test_f17_connections_that_died_while_nobody_looked_are_replaced_without_an_error(weather: Weather) -> None:
    assert weather.place.call("GET", POSTS).status == 200
    theirs = "datname = current_database() AND application_name = 'wet'"
    (ended,) = weather.sql(f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {theirs}")
    assert ended[0] > 0
    assert [weather.place.call("GET", POSTS).status for _ in range(10)] == [200] * 10

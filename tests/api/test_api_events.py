"""One generation followed as it happens."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import time
import uuid
from types import SimpleNamespace
from typing import ClassVar

import pytest
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.asgi import get_asgi_application
from django.db import OperationalError, connection
from django.utils import timezone, translation
from rest_framework.authentication import BaseAuthentication
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import AuthenticationFailed

from imagen import keyring, pipeline
from imagen.api import lookout, places, streams
from imagen.models import ApiKey, Generation
from tests import factories
from tests.api.conftest import Api


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Nobody looks for longer than a moment, and nobody stays from another test."""
    monkeypatch.setattr(streams, "LOOK_SECONDS", 0.005)
    monkeypatch.setattr(lookout, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(places, "here", places.Places())


@pytest.fixture
def meanwhile(monkeypatch):
    """Have something happen while the stream looks away, once for each."""

    def plan(*acts):
        left = list(acts)
        monkeypatch.setattr(streams.time, "sleep", lambda seconds: left.pop(0)() if left and seconds else None)

    return plan


def path(generation):
    return f"generations/{getattr(generation, 'pk', generation)}/events/"


def follow(api, generation, **headers):
    return api.get(path(generation), headers={name.replace("_", "-"): value for name, value in headers.items()})


def read(response):
    """The events of a stream that ended: (name, id, data); comments and hints aside."""
    text = b"".join(response).decode()
    return [event(block) for block in text.split("\n\n") if "data: " in block]


def event(block):
    fields = dict(line.split(": ", 1) for line in block.splitlines())
    return fields["event"], int(fields["id"].partition("-")[0]), json.loads(fields["data"])


def last(made, version=None):
    """The id of the event that tells of this version."""
    return f"{version or made.version}-{made.pk.hex[:8]}"


def hang_up(response):
    """Read the first of it and leave."""
    next(response.streaming_content)
    response._iterator.close()


def becomes(made, status):
    def act():
        made.save_changes(status=status, **({"completed_at": timezone.now()} if status == "completed" else {}))

    return act


def test_what_is_finished_is_told_once_and_the_stream_ends(ann):
    made = factories.completed(ann.user)
    response = follow(ann, made, Accept="text/event-stream")
    assert (response.status_code, response.headers["Content-Type"]) == (200, "text/event-stream")
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert response.headers["X-Accel-Buffering"] == "no"
    (told,) = read(response)
    assert told == ("done", made.version, ann.get(f"generations/{made.pk}/").json())


@pytest.mark.by_hand("the engine is played")
def test_each_change_is_told_as_it_happens(ann, meanwhile):
    made = factories.generation(ann.user)
    meanwhile(becomes(made, "processing"), lambda: None, becomes(made, "completed"))
    told = read(follow(ann, made))
    assert [(name, data["status"]) for name, _, data in told] == [
        ("status", "queued"),
        ("status", "processing"),
        ("done", "completed"),
    ]
    assert [number for _, number, _ in told] == [1, 2, 3]


def test_who_comes_again_hears_only_what_is_newer(ann, meanwhile):
    made = factories.generation(ann.user)
    meanwhile(lambda: pipeline.cancel(made))
    told = read(follow(ann, made, Last_Event_ID=last(made)))
    assert [(name, data["status"]) for name, _, data in told] == [("done", "canceled")]


@pytest.mark.parametrize("seen", ["", "x", "-1", "1", "7", "9" * 40, "²", "1-", "1-00000000", "-"])
def test_who_saw_something_else_is_told_how_it_stands(ann, seen):
    assert [name for name, _, _ in read(follow(ann, factories.completed(ann.user), Last_Event_ID=seen))] == ["done"]


def test_who_saw_the_end_is_told_not_to_come_again(ann):
    made = factories.completed(ann.user)
    response = follow(ann, made, Last_Event_ID=last(made))
    assert (response.status_code, response.content) == (204, b"")


def test_who_saw_the_end_of_another_has_not_seen_this_one(ann):
    other, made = factories.completed(ann.user), factories.completed(ann.user)
    assert other.version == made.version
    assert [name for name, _, _ in read(follow(ann, made, Last_Event_ID=last(other)))] == ["done"]


def test_the_stream_says_when_to_come_again_and_that_it_is_still_there(ann, settings, meanwhile):
    settings.IMAGEN = {**settings.IMAGEN, "API": {"heartbeat_seconds": 0}}
    made = factories.generation(ann.user)
    meanwhile(lambda: None, lambda: None, lambda: pipeline.cancel(made))
    parts = list(follow(ann, made, Last_Event_ID=last(made)))
    assert parts[:3] == [b"retry: 2000\n\n", b":\n\n", b":\n\n"]


def test_after_the_longest_time_the_client_comes_again(ann, settings):
    settings.IMAGEN = {**settings.IMAGEN, "API": {"stream_seconds": 0.05}}
    started = time.monotonic()
    made = factories.generation(ann.user)
    assert b"".join(follow(ann, made, Last_Event_ID=last(made))) == b"retry: 2000\n\n"
    assert time.monotonic() - started < 5


def test_what_waits_for_a_person_is_looked_at_once_a_minute(ann):
    made = factories.generation(ann.user, status="unconfirmed")
    first = b"".join(follow(ann, made))
    assert b"retry: 60000" in first
    assert b"event: status" in first
    assert b"".join(follow(ann, made, Last_Event_ID=last(made))) == b"retry: 2000\n\nretry: 60000\n\n"


def test_the_stream_of_what_is_deleted_ends(ann, meanwhile, problem):
    made = factories.generation(ann.user)
    meanwhile(lambda: pipeline.erase(made))
    assert [data["status"] for _, _, data in read(follow(ann, made))] == ["queued"]
    problem(follow(ann, made), 404, "not_found")


def test_what_is_deleted_just_before_it_is_told_is_not_told(ann, monkeypatch):
    made = factories.generation(ann.user)
    response = follow(ann, made)
    monkeypatch.setattr(lookout.lookout, "standing", lambda pk: lookout.Standing(9, "processing"))
    pipeline.erase(made)
    monkeypatch.setattr(streams, "LONGEST_SECONDS", 0.1)
    assert read(response) == []


def test_nothing_is_told_twice_when_others_looked_a_moment_too_early(ann, monkeypatch):
    made = factories.generation(ann.user)
    stale = iter([lookout.Standing(1, "queued"), lookout.Standing(1, "queued")])
    monkeypatch.setattr(lookout.lookout, "standing", lambda pk: next(stale, None))
    made.save_changes(warnings=[])
    assert [number for _, number, _ in read(follow(ann, made))] == [2]


def test_a_stream_ends_when_the_database_goes_away(ann, monkeypatch):
    def away(pk):
        raise OperationalError

    made = factories.generation(ann.user)
    monkeypatch.setattr(lookout.lookout, "standing", away)
    assert b"".join(follow(ann, made)) == b""
    assert not places.here.taken


def by_key(owner):
    return Api(Authorization=f"Bearer {factories.api_key(owner)[1]}")


def by_session(owner):
    browser = Api()
    browser.client.force_login(owner)
    return browser


def by_permission(owner):
    return Api(factories.person("auditor", "view_all"))


def close_accounts():
    User.objects.update(is_active=False)


ENDS = {  # how somebody came in, and what shuts them out
    "key revoked": (by_key, lambda: keyring.revoke(ApiKey.objects.get())),
    "key expired": (by_key, lambda: ApiKey.objects.update(expires_at=timezone.now())),
    "scope taken away": (by_key, lambda: ApiKey.objects.update(scopes=["generate"])),
    "account of a key closed": (by_key, close_accounts),
    "token deleted": (Api, lambda: Token.objects.all().delete()),
    "signed out": (by_session, lambda: Session.objects.all().delete()),
    "account closed": (by_session, close_accounts),
    "permission taken away": (by_permission, lambda: User.user_permissions.through.objects.all().delete()),
}


@pytest.mark.parametrize("what", ENDS)
def test_who_is_shut_out_meanwhile_hears_nothing_more(db, meanwhile, what):
    (way, end), owner = ENDS[what], factories.editor("ann")
    api, made = way(owner), factories.generation(owner)
    meanwhile(lambda: (end(), pipeline.cancel(made)))
    assert [data["status"] for _, _, data in read(follow(api, made))] == ["queued"]
    assert follow(api, made).status_code in (401, 403, 404)
    assert not places.here.taken


class OnceOnly(BaseAuthentication):
    """Takes what was signed for one request, and not again."""

    seen: ClassVar[set[str]] = set()

    def authenticate(self, request):
        mark = request.headers["X-Signed"]
        if mark in self.seen:
            raise AuthenticationFailed
        self.seen.add(mark)
        return User.objects.get(), None


def test_who_may_come_once_with_what_was_signed_hears_how_it_stands(db, settings, meanwhile):
    settings.IMAGEN = {**settings.IMAGEN, "API": {"authenticators": [f"{__name__}.OnceOnly"]}}
    made = factories.generation(factories.editor("ann"))
    meanwhile(lambda: pipeline.cancel(made))
    first, second = (read(follow(Api(**{"X-Signed": mark}), made)) for mark in ("one", "two"))
    assert [data["status"] for _, _, data in (*first, *second)] == ["queued", "canceled"]


def test_nothing_but_reading_is_possible_there(ann, problem):
    made = factories.generation(ann.user)
    for method in ("post", "head", "put", "delete", "options"):
        response = getattr(ann.client, method)(ann.url(path(made)))
        assert (response.status_code, response.headers["Allow"]) == (405, "GET")
    problem(ann.post(path(made)), 405, "method_not_allowed")


@pytest.mark.parametrize("accept", ["*/*", "text/*", "application/json;q=0.5, text/event-stream"])
def test_who_accepts_events_gets_them(ann, accept):
    assert follow(ann, factories.completed(ann.user), Accept=accept).status_code == 200


def test_who_accepts_only_something_else_is_refused_in_json(ann, problem):
    problem(follow(ann, factories.completed(ann.user), Accept="application/json"), 406, "not_acceptable")


def test_errors_are_problem_details_for_who_accepts_events_alone(ann, bob, anonymous, problem):
    made = factories.generation(ann.user)
    problem(follow(bob, made, Accept="text/event-stream"), 404, "not_found")
    problem(follow(bob, uuid.uuid4(), Accept="text/event-stream"), 404, "not_found")
    problem(follow(anonymous, made, Accept="text/event-stream"), 401, "not_authenticated")
    problem(ann.get(path(made) + "?x=1"), 400, "invalid_request")


def test_one_person_follows_only_so_many_at_once(ann, bob, problem, settings):
    settings.IMAGEN = {**settings.IMAGEN, "API": {"waiters": 3}}
    mine, theirs = factories.generation(ann.user), factories.generation(bob.user)
    streams_open = [follow(ann, mine), follow(ann, mine)]
    refused = follow(ann, mine)
    problem(refused, 429, "throttled")
    assert int(refused.headers["Retry-After"]) > 0
    streams_open.append(follow(bob, theirs))
    refused = follow(bob, theirs)
    problem(refused, 429, "throttled")
    assert int(refused.headers["Retry-After"]) > 0
    assert ann.get(f"generations/{mine.pk}/").status_code == 200
    for stream in streams_open:
        hang_up(stream)
    assert not places.here.taken
    hang_up(follow(ann, mine))


def test_those_who_follow_and_those_who_wait_share_one_number_of_places(ann, settings):
    settings.IMAGEN = {**settings.IMAGEN, "API": {"waiters": 1}}
    made = factories.generation(ann.user)
    stream, started = follow(ann, made), time.monotonic()
    assert ann.get(f"generations/{made.pk}/?wait=30").json()["status"] == "queued"
    assert time.monotonic() - started < 5
    hang_up(stream)


def test_a_stream_that_ended_or_was_thrown_away_frees_its_place(ann):
    made = factories.completed(ann.user)
    read(follow(ann, made))
    assert not places.here.taken
    stream = streams.Stream(SimpleNamespace(over=False), places.here.take("ann"), {})
    assert places.here.taken
    del stream
    assert not places.here.taken


def test_who_hangs_up_is_noticed_at_the_next_look():
    ours, theirs = socket.socketpair()
    environ = {"gunicorn.socket": ours}
    assert not streams.left(environ)
    theirs.send(b"the next request")
    assert not streams.left(environ)
    theirs.close()
    place = places.here.take("ann")
    assert list(streams.Stream(SimpleNamespace(over=False), place, environ)) == []
    assert not places.here.taken
    ours.close()
    assert streams.left(environ)
    assert not streams.left({})


def test_many_who_follow_cost_one_query_a_second(ann, django_assert_num_queries, monkeypatch):
    rows = [factories.generation(ann.user) for _ in range(3)]
    monkeypatch.setattr(lookout, "FRESH_SECONDS", 60.0)
    watch = lookout.Lookout()
    for row in rows:
        watch.standing(row.pk)
    with django_assert_num_queries(0):
        assert {watch.standing(row.pk) for row in rows} == {(1, "queued")}
    monkeypatch.setattr(lookout, "FRESH_SECONDS", 0.0)
    with django_assert_num_queries(1):
        watch.standing(rows[0].pk)


@pytest.mark.django_db(transaction=True)
def test_between_looks_a_stream_holds_no_connection(monkeypatch, ann):
    made, held = factories.generation(ann.user), []
    response = follow(ann, made)

    def pause(seconds):
        if seconds:
            held.append((connection.connection, connection.in_atomic_block))
            pipeline.cancel(made)

    monkeypatch.setattr(streams.time, "sleep", pause)
    assert [name for name, _, _ in read(response)] == ["status", "done"]
    assert held == [(None, False)]


def test_the_words_are_in_the_language_that_was_asked_for(ann):
    made = factories.generation(ann.user, status="failed", error_code="provider_failed")
    response = follow(ann, made, Accept_Language="de")
    with translation.override("fr"):  # the thread does something else before it goes on
        (told,) = read(response)
    assert told[2] == ann.get(f"generations/{made.pk}/", headers={"Accept-Language": "de"}).json()
    assert told[2]["error"]["message"] != ann.get(f"generations/{made.pk}/").json()["error"]["message"]


def test_a_middleware_that_compresses_does_not_hold_events_back(ann, settings):
    settings.MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware", *settings.MIDDLEWARE]
    response = follow(ann, factories.completed(ann.user), Accept_Encoding="gzip")
    assert "Content-Encoding" not in response.headers
    assert read(response)


async def connected(api, made, token):
    """Somebody who has asked for this stream under ASGI."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": api.url(path(made)),
        "query_string": b"",
        "headers": [(b"host", b"testserver"), (b"authorization", token.encode())],
    }
    server = ApplicationCommunicator(get_asgi_application(), scope)
    await server.send_input({"type": "http.request"})
    return server


@pytest.mark.django_db(transaction=True)
def test_under_asgi_it_is_the_same_and_holds_no_thread(ann):
    made, token = factories.generation(ann.user), f"Token {Token.objects.get(user=ann.user)}"

    async def talk():
        server = await connected(ann, made, token)
        assert (await server.receive_output(5))["status"] == 200
        parts = [(await server.receive_output(5))["body"]]
        await asyncio.to_thread(_cancel, made.pk)
        while (part := await server.receive_output(5)).get("more_body"):
            parts.append(part["body"])
        await server.wait(5)
        return b"".join(parts)

    told = asyncio.run(talk())
    assert [line for line in told.decode().splitlines() if line.startswith("event")] == ["event: status", "event: done"]
    assert not places.here.taken


@pytest.mark.django_db(transaction=True)
def test_under_asgi_who_hangs_up_frees_the_place(ann):
    made, token = factories.generation(ann.user), f"Token {Token.objects.get(user=ann.user)}"

    async def leave():
        server = await connected(ann, made, token)
        await server.receive_output(5)
        await server.receive_output(5)
        assert places.here.taken
        await server.send_input({"type": "http.disconnect"})
        await server.wait(5)

    asyncio.run(leave())
    gc.collect()
    assert not places.here.taken


def _cancel(pk):
    try:
        pipeline.cancel(Generation.objects.get(pk=pk))
    finally:
        connection.close()

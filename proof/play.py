"""Histories of requests at the REST door of a site, each compared step by step with ``proof.keys``."""

from __future__ import annotations

import itertools
import logging
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from unittest import mock

import hypothesis
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from hypothesis import strategies as st
from rest_framework.authtoken.models import Token

from imagen import failpoints
from imagen.models import Generation
from proof.keys import BROKEN, TAKEN, Answer, Ask, Change, Held, Memory, Overlap, Spelling, Wait
from proof.vacuum import Clock

PATH = "/api/imagen/v1/generations"
PEOPLE, KEYS = ["ann", "ann", "bob"], ["a", "a", "b"]  # as often as they are named
HOUR = 3600.0
TALLY: Counter[str] = Counter()
History = list[Ask | Overlap | Wait | Change]

RIGHT = st.fixed_dictionaries(
    {"prompt": st.sampled_from(["a lighthouse", "ein Café 🗼"])},
    optional={
        "num_images": st.sampled_from([1, 2]),
        "seed": st.sampled_from([0, 7]),
        "metadata": st.sampled_from([{}, {"desk": "news", "page": {"left": 1, "right": [2, 3]}}]),
    },
)
WRONG = st.sampled_from([{"prompt": ""}, {"prompt": "a lighthouse", "num_images": 9}, {"prompt": "x", "colour": "red"}])


@st.composite
def histories(draw: Callable[..., Any], *, overlapping: bool) -> History:
    """A few steps of few people with few keys and few bodies, so that they meet."""
    bodies = st.sampled_from([*[draw(RIGHT)] * 4, draw(RIGHT), draw(WRONG)])
    spellings = st.builds(Spelling, **dict.fromkeys(("backwards", "airy", "escaped", "slash"), st.booleans()))
    people, keys = st.sampled_from(PEOPLE), st.sampled_from(KEYS)
    asks = st.builds(
        Ask,
        person=people,
        key=st.sampled_from([*KEYS * 4, None]),
        body=bodies,
        spelling=spellings,
        breaks=st.sampled_from([False] * 5 + [True]),
    )
    waits = st.builds(Wait, seconds=st.sampled_from([HOUR, 12 * HOUR, 24 * HOUR - 60, 24 * HOUR]))
    changes = st.builds(Change, person=people, key=keys, delete=st.sampled_from([True, True, False]))
    overlaps = st.builds(Overlap, first=asks, others=st.lists(asks, min_size=1, max_size=3).map(tuple))
    kinds = [asks] * 8 + [waits] + [changes] * 2 + [overlaps] * overlapping
    found: History = draw(st.lists(st.sampled_from(kinds).flatmap(lambda kind: kind), min_size=3, max_size=9))
    return found


class Door:
    """The site's REST door; what a thread has to do in the middle of its request is done there."""

    def __init__(self) -> None:
        self._mine = threading.local()
        users = [User.objects.create_superuser(name) for name in sorted({*PEOPLE})]
        self.tokens = {user.username: Token.objects.create(user=user).key for user in users}

    def reached(self, name: str) -> None:
        """A place in the product is reached."""
        if name == "request written":
            getattr(self._mine, "middle", lambda: None)()

    def ask(self, asked: Ask, middle: Callable[[], None]) -> Answer:
        """What is answered to this."""
        self._mine.middle = middle
        named = {} if asked.key is None else {"Idempotency-Key": asked.key}
        path = f"{PATH}/" if asked.spelling.slash else PATH
        return self.send("post", path, asked.person, asked.spelling.write(asked.body), **named)

    def send(self, method: str, path: str, person: str, body: bytes = b"", **named: str) -> Answer:
        """What is answered to any request."""
        headers = {"Authorization": f"Token {self.tokens[person]}", "Host": "127.0.0.1", **named}
        client = Client(headers=headers, raise_request_exception=False)
        got = getattr(client, method)(path, body, content_type="application/json")
        if got.status_code >= 400:
            return Answer(status=got.status_code, code=got.json()["code"], again=got.headers.get("Retry-After", ""))
        replayed = got.headers.get("Idempotency-Replayed") == "true"
        said = {"content": got.content, "location": got.headers.get("Location", "")}
        return Answer(status=got.status_code, replayed=replayed, **said)


class Player:
    """Plays one history after the other, each with keys of its own."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.door = clock, Door()
        self.beside = ThreadPoolExecutor(1)  # who asks first while others ask
        self._numbers = itertools.count()

    def play(self, history: History) -> None:
        """Do all of it; ``AssertionError`` at the first answer that is not the reference's."""
        self.memory, self.number, self.clock.ahead = Memory(), next(self._numbers), 0.0
        before = Generation.objects.count()
        acts: dict[type, Callable[[Any], None]]
        acts = {Ask: self._ask, Overlap: self._overlap, Wait: self._wait, Change: self._change}
        for step in history:
            acts[type(step)](step)
        assert Generation.objects.count() - before == self.memory.taken
        TALLY["histories"] += 1

    def _ask(self, asked: Ask, held: Held = frozenset()) -> None:
        wanted = self.memory.answer(asked, held)
        self._compare(asked, wanted, self.door.ask(self._ours(asked), _break if asked.breaks else _go_on))

    def _ours(self, asked: Ask) -> Ask:
        return asked if asked.key is None else replace(asked, key=f"{self.number} {asked.key}")

    def _compare(self, asked: Ask, wanted: Answer, got: Answer) -> None:
        TALLY[f"{got.status}{' replayed' if got.replayed else ''}"] += 1
        if wanted is TAKEN:
            assert (got.status, got.replayed) == (202, False), got
            self.memory.keep(asked, replace(got, replayed=True))
        else:
            assert got == wanted, f"{got} instead of {wanted}"

    def _overlap(self, step: Overlap) -> None:
        wanted = self.memory.answer(step.first)
        if wanted not in (TAKEN, BROKEN):  # it is over before anybody could ask
            self._ask(step.first)
            return
        inside, over = threading.Event(), threading.Event()
        first = self.beside.submit(self.door.ask, self._ours(step.first), lambda: _pause(step.first, inside, over))
        try:
            assert inside.wait(20)
            held = frozenset({(step.first.person, step.first.key)} if step.first.key else ())
            for asked in step.others:
                self._ask(asked, held)
        finally:
            over.set()
            got = _result(first)
        self._compare(step.first, wanted, got)

    def _wait(self, step: Wait) -> None:
        self.clock.jump(step.seconds)
        self.memory.now += step.seconds

    def _change(self, step: Change) -> None:
        kept = self.memory.kept(step.person, step.key)
        if kept is None or kept.deleted:
            return
        path = kept.answer.location
        assert self.door.send("post", f"{path}cancel/", step.person).status in (200, 409)  # 409 is: it was before
        if step.delete:
            assert self.door.send("delete", path, step.person).status == 204
            kept.deleted = True


def _go_on() -> None:
    """Nothing happens."""


def _break() -> None:
    raise RuntimeError("the server stumbles")


def _pause(asked: Ask, inside: threading.Event, over: threading.Event) -> None:
    inside.set()
    over.wait(20)
    if asked.breaks:
        _break()


def _result(first: Future[Answer]) -> Answer:
    return first.result(timeout=30)


def play(*, runs: int, seed: int | None = None) -> dict[str, int]:
    """So many histories in an empty database; how often what was answered."""
    logging.disable(logging.CRITICAL)
    call_command("migrate", verbosity=0)
    player = Player(Clock())
    with ExitStack() as stack:
        stack.enter_context(mock.patch("imagen.queue.knock"))
        stack.enter_context(mock.patch.object(failpoints, "hook", player.door.reached))
        stack.enter_context(player.clock.telling())
        test = _test(player, runs=runs, overlapping=connection.vendor != "sqlite")
        (test if seed is None else hypothesis.seed(seed)(test))()
    return dict(TALLY)


def _test(player: Player, *, runs: int, overlapping: bool) -> Callable[[], None]:
    """What is drawn, after one history in which every kind of answer is heard, whatever is drawn."""
    drawn = hypothesis.given(histories(overlapping=overlapping))(player.play)
    whole: Callable[[], None] = _settings(runs)(hypothesis.example(every_answer(overlapping=overlapping))(drawn))
    return whole


def every_answer(*, overlapping: bool) -> History:
    """A history that hears every answer of the reference; a server that stumbles keeps nothing."""
    ask = Ask(person="ann", key="a", body={"prompt": "a lighthouse"}, spelling=Spelling())
    stumble, wrong = replace(ask, breaks=True), replace(ask, key="b", body={"prompt": ""})
    other, gone = replace(ask, body={"prompt": "ein Café 🗼"}), Change(person="ann", key="a", delete=True)
    meanwhile = [Overlap(first=replace(ask, person="bob"), others=(replace(ask, person="bob"),))]
    return [stumble, ask, ask, other, wrong, gone, ask, *meanwhile * overlapping]


def _settings(runs: int) -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=runs,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        print_blob=True,
        report_multiple_bugs=False,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate, hypothesis.Phase.shrink],
    )

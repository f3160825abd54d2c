"""G9: webhooks out into a receiver that fails, with the workers killed again and again: each event arrives, signed."""

from __future__ import annotations

import json
import random
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from cryptography.fernet import Fernet
from standardwebhooks import Webhook, WebhookVerificationError

from imagen.testing.sink import Message, Sink, Way, unreliable
from proof.books import PROVIDERS, settle
from proof.goals import Finding, Goal
from proof.processes import WORKERS, wait
from proof.site import Place
from proof.stacks import fresh

COUNT, KILLS = 1000, 20
SHARE, SECONDS, LATE = 0.3, 1.0, 1.6
MOST_FAILURES = 7  # of one message; chance alone would use up ten tries of one in 200,000
AT_ONCE = 4  # to one endpoint, from one worker: as in ``imagen.deliveries``
PAUSE = (0.5, 2.0)
PATIENCE = 120.0
HASTE: dict[str, Any] = {
    "WEBHOOK_SECONDS": SECONDS,
    "WEBHOOK_RETRY_SECONDS": [0, 0.2, 0.5, *[1.0] * 7],
    "LEASE_SECONDS": 5,
    "ENCRYPTION_KEYS": [Fernet.generate_key().decode()],
}


class Receiver:
    """Our side of it: fails as promised, keeps what came, and checks each signature as it comes."""

    def __init__(self) -> None:
        self.secret, self.unsigned = "", 0
        self._failures: dict[str, int] = defaultdict(int)
        self._fail = unreliable(share=SHARE, seed=7, patience=LATE)

    def __call__(self, message: Message) -> Way:
        """How this message is answered; pings always well."""
        if self.secret and not _proven(self.secret, message):
            self.unsigned += 1
        known, way = message.headers["webhook-id"], self._fail(message)
        if b'"endpoint.ping"' in message.body or (way != Way() and self._failures[known] >= MOST_FAILURES):
            return Way()
        self._failures[known] += way != Way()
        return way


def _proven(secret: str, message: Message) -> bool:
    try:
        Webhook(secret).verify(message.body, message.headers)
    except WebhookVerificationError:
        return False
    return True


@dataclass(slots=True, kw_only=True)
class Mail:
    """What was to be told and what came."""

    events: int
    lost: int  # no message about it was ever taken
    ids: int  # more than one id for one event, or other bytes under one id
    unsigned: int
    undelivered: int  # rows that do not say so
    messages: int
    failed: int
    again: int  # taken in time although they had been taken before
    room: int  # for that many there is an excuse: so many were under way when somebody was killed
    gone: str  # how the endpoint stands that answers 410
    wrong: tuple[str, ...] = field(default=())

    @property
    def kept(self) -> bool:
        """Nothing lost, one id each, all signed, and what came twice has its excuse."""
        bad = (self.lost, self.ids, self.unsigned, self.undelivered, len(self.wrong))
        return not any(bad) and self.again <= self.room and self.gone == "disabled gone"

    def __str__(self) -> str:
        text = (
            f"{self.events} events, {self.lost} lost, {self.ids} with two ids, {self.unsigned} badly signed, "
            f"{self.undelivered} not seen to arrive; {self.failed} of {self.messages} messages failed, "
            f"{self.again} taken twice (at most {self.room}); the address that is gone: {self.gone}"
        )
        return f"{text}; wrong: {self.wrong[0]}" if self.wrong else text


@contextmanager
def receivers() -> Iterator[tuple[Sink, Sink]]:
    """One that fails now and then, and one that takes a ping and then is gone."""
    gone = [Way(), Way(410)]
    with ExitStack() as opened:
        yield opened.enter_context(Sink(choose=Receiver())), opened.enter_context(Sink(*gone))


def loop(place: Place, flaky: Sink, gone: Sink, *, count: int, kills: int, seed: int = 7) -> Mail:
    """Have things happen all the time, and the whole worker group killed; in the end let it finish."""
    dice, receiver = random.Random(seed), flaky.choose
    assert isinstance(receiver, Receiver)
    cluster = place.cluster()
    receiver.secret = place.inside("listen", urls=[flaky.url, gone.url])
    wait(lambda: place.inside("listening") == 2, seconds=PATIENCE, what="answers to pings")
    for number in range(kills):
        first, last = (count * step // (kills + 1) for step in (number, number + 1))
        before = len(flaky.messages)
        place.inside("happen", first=first, count=last - first, providers=PROVIDERS)
        wait(lambda seen=before: len(flaky.messages) > seen, seconds=PATIENCE, what="messages")
        time.sleep(dice.uniform(*PAUSE))
        place.kill(cluster)
        cluster = place.cluster()
    place.inside("happen", first=last, count=count - last, providers=PROVIDERS)
    settle(place, seconds=PATIENCE)
    _until_nothing_waits(place)
    return _compared(place, flaky, receiver, room=kills * AT_ONCE * WORKERS)


def _until_nothing_waits(place: Place) -> None:
    until, before = time.monotonic() + PATIENCE, -1
    while (left := place.inside("unsent")) and time.monotonic() < until:
        until = until if left == before else time.monotonic() + PATIENCE
        before = left
        place.inside("knock")
        time.sleep(0.5)


def _compared(place: Place, flaky: Sink, receiver: Receiver, *, room: int) -> Mail:
    told = place.inside("mail")
    messages = [(message, json.loads(message.body)) for message in flaky.messages]
    events = [(message, said) for message, said in messages if said["type"] != "endpoint.ping"]
    taken: dict[tuple[str, str], int] = defaultdict(int)
    known: dict[tuple[str, str], set[tuple[str, bytes]]] = defaultdict(set)
    for message, said in events:
        event = (said["type"], said["data"]["id"])
        known[event].add((message.headers["webhook-id"], message.body))
        taken[event] += message.answer == 204
    wanted = {tuple(event) for event in told["events"]}
    late = sum(message.answer == 204 and not message.quick for message, _ in events)
    return Mail(
        events=len(wanted),
        lost=sum(not taken[event] for event in wanted),
        ids=sum(len(found) > 1 for found in known.values()),
        unsigned=receiver.unsigned,
        undelivered=told["undelivered"],
        messages=len(events),
        failed=sum(message.answer != 204 for message, _ in events) + late,
        again=sum(max(count - 1, 0) for count in taken.values()) - late,
        room=room,
        gone=told["gone"],
        wrong=tuple(place.inside("wrong")),
    )


def _told(stack: str) -> Finding:
    with receivers() as (flaky, gone):
        ports = (flaky.port, gone.port)
        with fresh(stack, neighbours=ports, **HASTE) as (place, _):
            begun = time.monotonic()
            mail = loop(place, flaky, gone, count=COUNT, kills=KILLS)
            seconds = time.monotonic() - begun
    return Finding(measured=f"{mail}; {KILLS} kills, {seconds:.0f} s", met=mail.kept)


GOALS = (
    Goal(
        id="G9",
        title="1,000 requests told to a receiver that fails 30 % of the time, the worker group killed 20 times",
        wanted="0 lost, one id each, every signature verifies, taken twice only what was under way at a kill",
        run=_told,
    ),
)

"""G1 at the doors: the web server killed while clients post, and the site's key changed with work under way."""

from __future__ import annotations

import http.client
import random
import threading
import time
import uuid

from imagen.testing.gateway import Gateway
from proof.books import PROVIDERS, Books, close, settle
from proof.goals import Finding, Goal
from proof.processes import wait
from proof.site import Place
from proof.stacks import fresh

PATIENCE = 120.0
CLIENTS = 4
PAUSE = (0.3, 1.5)
POSTS = "/api/imagen/v1/generations/"


def posts_interrupted(place: Place, gateway: Gateway, *, count: int = 100, times: int = 8) -> tuple[Books, int]:
    """Clients that repeat a post under its key until it is answered; how many generations have another id than told."""
    place.cluster()
    told: dict[str, str] = {}
    clients = [
        threading.Thread(target=_client, args=(place, told, range(start, count, CLIENTS)), daemon=True)
        for start in range(CLIENTS)
    ]
    web, dice = place.serve(), random.Random(7)
    for client in clients:
        client.start()
    for _ in range(times):
        time.sleep(dice.uniform(*PAUSE))
        place.kill(web)
        web = place.serve()
    for client in clients:
        client.join(PATIENCE)
    settle(place, seconds=PATIENCE)
    known = {call["prompt"]: call["of"] for call in place.inside("calls")}
    return close(place, gateway), count - sum(known.get(prompt) == pk for prompt, pk in told.items())


def _client(place: Place, told: dict[str, str], numbers: range) -> None:
    for number in numbers:
        prompt, key = f"picture {number:05}", str(uuid.uuid4())
        while prompt not in told:
            body = {"prompt": prompt, "provider": PROVIDERS[number % len(PROVIDERS)]}
            try:
                answer = place.call("POST", POSTS, body, **{"Idempotency-Key": key})
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
                continue
            if answer.status == 202:
                told[prompt] = answer.json["id"]


def key_rotated(
    place: Place, gateway: Gateway, *, count: int = 30, fallbacks: tuple[bool, ...] = (True, False)
) -> tuple[Books, int]:
    """The key is changed with bells queued and calls under way, the old one kept or not; rings turned away if kept."""
    web, cluster, turned_away = place.serve(), place.cluster(), 0
    for turn, known in enumerate(fallbacks):
        old, seen = place.env["SECRET_KEY"], len(gateway.jobs)
        place.inside("ask", first=turn * count, count=count, providers=PROVIDERS)
        wait(lambda seen=seen: len(gateway.jobs) > seen + count // 4, seconds=30, what="sends")
        place.kill(cluster)
        place.inside("knock", times=5)
        place.kill(web)
        place.rotate(f"another-key-{turn}-of-nobody-{'x' * 40}", old if known else "")
        web, cluster, rung = place.serve(), place.cluster(), len(gateway.rings)
        settle(place, seconds=PATIENCE)
        if known:
            turned_away += sum(ring.status in (401, 404) for ring in gateway.rings[rung:])
    return close(place, gateway), turned_away


def _web(stack: str) -> Finding:
    with fresh(stack) as (place, gateway):
        books, strangers = posts_interrupted(place, gateway)
        return books.finding(f"8 kills, {strangers} clients told another id", met=not strangers and books.asked == 100)


def _key(stack: str) -> Finding:
    with fresh(stack, rings=True, latency=6.0) as (place, gateway):
        books, turned_away = key_rotated(place, gateway)
        return books.finding(f"2 changes, {turned_away} webhooks turned away", met=not turned_away)


GOALS = (
    Goal(
        id="G1 web",
        title="the web server killed 8 times during 100 posts, each repeated under its Idempotency-Key",
        wanted="as G1; one generation for each key",
        run=_web,
    ),
    Goal(
        id="G1 key",
        title="SECRET_KEY changed with work queued and under way, first with the old one as a fallback, then without",
        wanted="as G1; with the fallback no webhook is turned away",
        run=_key,
    ),
)

"""G6 and G7: many clients at one budget at once, and the ledger afterwards."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

from bench.processes import Child
from proof.books import settle
from proof.goals import Finding, Goal
from proof.site import Place
from proof.stacks import fresh

CLIENTS, TRIES, PLACES, ROUNDS = 16, 20, 100, 20
PRICE = Decimal("0.038")
OFFERS = {"wavespeed": {"imagen-4": {"price": str(PRICE)}}}
PATIENCE = 240.0


def race(place: Place, clients: list[Child], *, tries: int, places: int) -> tuple[Counter[int], int]:
    """All clients ask at once for one person whose limit pays for so many; statuses, and snapshots over the limit."""
    token = place.inside("person", limit=str(PRICE * places))
    asked = {"port": place.port, "token": token, "times": tries, "at": time.time() + 0.5}
    found: list[list[int]] = []
    askers = [threading.Thread(target=lambda each=each: found.append(each.ask(asked))) for each in clients]
    for asker in askers:
        asker.start()
    over = 0
    while any(asker.is_alive() for asker in askers):
        over += place.inside("overdrawn")
        time.sleep(0.05)
    return Counter(status for statuses in found for status in statuses), over


def prove(place: Place, *, clients: int, tries: int, places: int, rounds: int) -> Finding:
    """So many races; then everything is made, and ledger, purses and calls are compared."""
    place.serve()
    with ExitStack() as stack:
        buyers = [stack.enter_context(Child("-m", "proof.buyer")) for _ in range(clients)]
        raced = [race(place, buyers, tries=tries, places=places) for _ in range(rounds)]
    total = sum((statuses for statuses, _ in raced), Counter())
    exact = sum(dict(statuses) == {202: places, 402: clients * tries - places} for statuses, _ in raced)
    over = sum(over for _, over in raced)
    place.cluster()
    settle(place, seconds=PATIENCE)
    books: dict[str, Any] = place.inside("money")
    spent_exactly = books["spent"] == [str((PRICE * places).normalize())] * rounds
    met = exact == rounds and not over and spent_exactly and not books["wrong"] and Decimal(books["reserved"]) == 0
    statuses = ", ".join(f"{count} × {status}" for status, count in sorted(total.items()))
    told = f"{exact} of {rounds} rounds exact ({statuses}), {over} snapshots over the limit"
    after = f"spent {sorted(set(books['spent']))} each, reserved {books['reserved']}, {len(books['wrong'])} wrong"
    return Finding(measured=f"{told}; all made: {after}", met=met)


def _budget(stack: str) -> Finding:
    with fresh(stack, OFFERS=OFFERS, latency=0.2, answer=0.0) as (place, _gateway):
        return prove(place, clients=CLIENTS, tries=TRIES, places=PLACES, rounds=ROUNDS)


GOALS = (
    Goal(
        id="G6 G7",
        title=f"{CLIENTS} processes × {TRIES} posts, a limit that pays for {PLACES}, {ROUNDS} rounds; then all made",
        wanted=f"each round exactly {PLACES} × 202 and {CLIENTS * TRIES - PLACES} × 402, never over the limit; "
        "ledger = purses = calls, nothing left set aside",
        run=_budget,
        stacks=("sqlite", "postgresql"),
    ),
)

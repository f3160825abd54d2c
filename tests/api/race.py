"""A process of its own: many threads ask with the same key at once, on a real database."""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from rest_framework.authtoken.models import Token

from imagen.api.idempotency import Once
from imagen.models import Batch, Budget, Generation, Purse
from tests import factories

THREADS = 16
PATH = "/api/imagen/v1/generations/"
BATCHES = "/api/imagen/v1/batches/"
BODY = {"prompt": "a lighthouse", "provider": "sandbox"}
MANY = {"requests": [BODY] * 3}


def ask(key: str, headers: dict[str, str], path: str = PATH, body: dict = BODY):
    client = Client(headers={**headers, "Idempotency-Key": key, "Host": "127.0.0.1"}, raise_request_exception=False)
    try:
        return client.post(path, json.dumps(body), content_type="application/json")
    finally:
        connection.close()


def main() -> None:
    call_command("migrate", verbosity=0)
    user = factories.editor()
    headers = {"Authorization": f"Token {Token.objects.create(user=user).key}"}
    answers = at_once(lambda number: ask("race", headers))
    refused = [answer for answer in answers if answer.status_code == 409]
    found = {
        "generations": Generation.objects.count(),
        "statuses": [answer.status_code for answer in answers],
        "bodies": len({answer.content for answer in answers if answer.status_code == 202}),
        "retry_after": all(answer.headers.get("Retry-After") for answer in refused),
        "while_held": while_held("held", user, headers) if connection.vendor == "postgresql" else None,
        "while_told": while_held("race", user, headers) if connection.vendor == "postgresql" else None,
    }
    sys.stdout.write(json.dumps({**found, **many(user, headers)}) + "\n")


def at_once(act: Callable[[int], Any]) -> list[Any]:
    """What all threads find when they do this at the same moment."""
    barrier, found = threading.Barrier(THREADS), []

    def one(number: int) -> None:
        barrier.wait()
        found.append(act(number))

    run([threading.Thread(target=one, args=(number,)) for number in range(THREADS)])
    return found


def many(user, headers: dict[str, str]) -> dict[str, Any]:
    """The same with batches under one key; and then each thread one of its own, for a budget that pays for five."""
    same = at_once(lambda number: ask("batch", headers, BATCHES, MANY))
    batches = Batch.objects.count()
    price = Generation.objects.first().cost_estimated
    Budget.objects.create(scope="person", user=user, period="month", limit=price * 17)  # the last two are too few
    own = at_once(lambda number: ask(f"own {number}", headers, BATCHES, MANY))
    return {
        "batches": batches,
        "batch_statuses": sorted({answer.status_code for answer in same}),
        "own_statuses": Counter(answer.status_code for answer in own),
        "whole": all(batch.generations.count() == batch.total for batch in Batch.objects.all()),
        "own_batches": Batch.objects.count() - batches,
        "reserved": [int(purse.reserved / price) for purse in Purse.objects.all()],
    }


def run(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def while_held(key: str, user, headers: dict[str, str]) -> list:
    """What a request hears while another one holds its key."""
    heard = []
    with transaction.atomic():
        Once(user=user, key=key, fingerprint="")._claim()
        run([threading.Thread(target=lambda: heard.append(ask(key, headers)))])
    return [heard[0].status_code, heard[0].json().get("code"), heard[0].headers.get("Retry-After")]

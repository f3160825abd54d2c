"""A process of its own: many threads ask with the same key at once, on a real database."""

from __future__ import annotations

import json
import sys
import threading

from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from rest_framework.authtoken.models import Token

from imagen.api.idempotency import Once
from imagen.models import Generation
from tests import factories

THREADS = 16
PATH = "/api/imagen/v1/generations/"
BODY = {"prompt": "a lighthouse", "provider": "sandbox"}


def ask(key: str, headers: dict[str, str]):
    client = Client(headers={**headers, "Idempotency-Key": key, "Host": "127.0.0.1"}, raise_request_exception=False)
    try:
        return client.post(PATH, json.dumps(BODY), content_type="application/json")
    finally:
        connection.close()


def main() -> None:
    call_command("migrate", verbosity=0)
    user = factories.editor()
    headers = {"Authorization": f"Token {Token.objects.create(user=user).key}"}
    barrier, answers = threading.Barrier(THREADS), []

    def one() -> None:
        barrier.wait()
        answers.append(ask("race", headers))

    run([threading.Thread(target=one) for _ in range(THREADS)])
    refused = [answer for answer in answers if answer.status_code == 409]
    found = {
        "generations": Generation.objects.count(),
        "statuses": [answer.status_code for answer in answers],
        "bodies": len({answer.content for answer in answers if answer.status_code == 202}),
        "retry_after": all(answer.headers.get("Retry-After") for answer in refused),
        "while_held": while_held("held", user, headers) if connection.vendor == "postgresql" else None,
        "while_told": while_held("race", user, headers) if connection.vendor == "postgresql" else None,
    }
    sys.stdout.write(json.dumps(found) + "\n")


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

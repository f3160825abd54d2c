"""Run inside a live site: the people of the matrix come to it, each with a key or a session of their own."""

from __future__ import annotations

import json

from django.contrib.auth.models import User
from django.test import Client

from imagen import keyring
from imagen.models import KeyScope
from tests.api.strangers import NOBODIES, STRANGERS, Stranger

OWNER = "nora"
CALL = "from tests.clients.guests import invited; print(invited())"


def invited() -> str:
    """What headers each of them sends, by their names, as JSON."""
    owner = Stranger().person(OWNER)
    known = {name: _headers(who.person(name), who) for name, who in STRANGERS.items()}
    unknown = {**NOBODIES, "a key of hers that was taken away": _taken_away(owner)}
    return json.dumps({"owner": _headers(owner, Stranger()), "strangers": known, "nobodies": unknown})


def _headers(user: User, who: Stranger) -> dict[str, str]:
    if who.browser:
        client, token = Client(), "0" * 32
        client.force_login(user)
        session = client.cookies["sessionid"].value
        return {"Cookie": f"sessionid={session}; csrftoken={token}", "X-CSRFToken": token}
    return {"Authorization": f"Bearer {_key(user, *who.scopes)[1]}"}


def _key(user: User, *scopes: str) -> tuple[keyring.ApiKey, str]:
    return keyring.issue(user=user, name="a program", scopes=scopes or KeyScope.values)


def _taken_away(owner: User) -> dict[str, str]:
    row, text = _key(owner)
    keyring.revoke(row)
    return {"X-API-Key": text}

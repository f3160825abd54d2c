"""``imagen_key``: a key is printed once, listed by what may be seen of it, and taken away for good."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.utils import timezone

from imagen import keyring
from imagen.models import ApiKey
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann():
    return factories.editor("ann")


def made(*arguments: str) -> str:
    """What ``create`` printed for a key of Ann's."""
    out = io.StringIO()
    call_command("imagen_key", "create", "Shop", "--user=ann", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def refused(*arguments: str) -> CommandError:
    with pytest.raises(CommandError) as caught:
        call_command("imagen_key", *arguments)
    return caught.value


def test_the_key_alone_is_printed_and_works(ann):
    text = made().strip()
    answer = Client().get("/api/imagen/v1/models/", headers={"Authorization": f"Bearer {text}"})
    assert answer.status_code == 200
    row = ApiKey.objects.get()
    assert (row.user, row.name, row.scopes) == (ann, "Shop", ["read", "generate"])
    assert timedelta(days=89) < row.expires_at - timezone.now() < timedelta(days=90)
    assert LogEntry.objects.get().user == ann


def test_everything_about_it_can_be_said(ann):
    said = ("--scope=manage", "--scope=read", "--expires=never", "--rate=60/min", "--webhook-urls", "--json")
    found = json.loads(made(*said))
    assert found["key"].endswith(found["last_four"])
    known = {name: found[name] for name in ("name", "user", "scopes", "rate", "webhook_urls", "state", "expires_at")}
    assert known == {
        "name": "Shop",
        "user": "ann",
        "scopes": ["read", "manage"],
        "rate": "60/min",
        "webhook_urls": True,
        "state": "valid",
        "expires_at": None,
    }


def test_the_list_shows_no_key(ann, run):
    assert run("imagen_key", "list").strip() == "There are no API keys."
    text = made().strip()
    factories.api_key(factories.person("bob"))
    listed = run("imagen_key", "list", "--user", "ann")
    assert listed.split()[:5] == [text[7:15], f"…{text[-4:]}", "valid", "ann", "read,generate"]
    assert "bob" in run("imagen_key", "list")
    (found,) = json.loads(run("imagen_key", "list", "--user", "ann", "--json"))
    assert text not in str(found)
    assert "digest" not in found


def test_a_key_is_revoked_by_what_the_list_calls_it_and_twice_is_no_error(ann, run):
    handle = made()[7:15]
    assert run("imagen_key", "revoke", handle).startswith("Revoked: Shop (…")
    assert run("imagen_key", "revoke", handle).startswith("It was revoked before: Shop (…")
    assert ApiKey.objects.get().state == "revoked"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "Shop", "--user=nobody"), "There is nobody called nobody."),
        (("create", " ", "--user=ann"), "This field cannot be blank."),
        (("create", "x" * 81, "--user=ann"), "at most 80 characters"),
        (("create", "Shop", "--user=ann", "--scope=all"), "invalid choice: 'all'"),
        (("create", "Shop", "--user=ann", "--expires=soon"), "a key ends after 1d to 3650d, or never"),
        (("create", "Shop", "--user=ann", "--expires=3651d"), "a key ends after 1d to 3650d, or never"),
        (("create", "Shop", "--user=ann", "--rate=60 a minute"), "such as 60/min"),
        (("revoke", "nothing1"), "There is no API key nothing1."),
    ],
)
def test_what_cannot_be_is_one_sentence(ann, arguments, said):
    error = refused(*arguments)
    assert said in str(error)
    assert error.returncode == (1 if "Error: argument" in str(error) else 2)  # called by name, argparse ends with 2
    assert not ApiKey.objects.exists()


def test_so_many_are_enough(ann, monkeypatch):
    monkeypatch.setattr(keyring, "MOST", 1)
    made()
    assert refused("create", "Another", "--user=ann").returncode == 1

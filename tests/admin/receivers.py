"""People with webhook endpoints in the admin, and the addresses of their pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from imagen.models import Endpoint
from tests.admin.pages import Page
from tests.endpoints import HOSTS, KEY, endpoint

LIST, ADD = (reverse(f"admin:imagen_endpoint_{name}") for name in ("changelist", "add"))
LOG = reverse("admin:imagen_delivery_changelist")
OWNER = ("generate", "view_endpoint", "add_endpoint", "change_endpoint", "delete_endpoint", "view_delivery")


@pytest.fixture(autouse=True)
def keys(settings: Any, services: None) -> None:
    """Secrets can be encrypted, and nobody is asked where the receivers are."""
    settings.IMAGEN = {**settings.IMAGEN, "ENCRYPTION_KEYS": [KEY], "ALLOWED_PRIVATE_HOSTS": HOSTS}


@pytest.fixture
def ann(sign_in: Any) -> Client:
    """Somebody who may do everything with endpoints of their own."""
    return sign_in("ann", *OWNER)


@pytest.fixture
def mine(ann: Client) -> Endpoint:
    """Her endpoint."""
    return endpoint(User.objects.get(username="ann"))


@pytest.fixture
def theirs(sign_in: Any) -> Endpoint:
    """Somebody else's."""
    sign_in("bob", *OWNER)
    return endpoint(User.objects.get(username="bob"), url="https://other.example/x")


def page(row: Endpoint, name: str = "change") -> str:
    """A page of an endpoint."""
    return reverse(f"admin:imagen_endpoint_{name}", args=[row.pk])


def deed(row: Endpoint, name: str) -> str:
    """Where something is done with it."""
    return reverse("admin:imagen_endpoint_deed", args=[row.pk, name])


def text(response: Any) -> str:
    """What a page says."""
    return " ".join(Page(response.content.decode()).text.split())

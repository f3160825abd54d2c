"""What the demo needs: two accounts, a key, a first image, a magazine to read."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.db import Error
from django.urls import Resolver404, resolve, reverse

from imagen import keyring, pipeline, presentation, queue
from imagen.diagnosis import Level
from imagen.diagnosis import house as diagnosis
from imagen.models import ApiKey, Budget, Generation, KeyScope, Scope
from imagen.states import FINISHED, Status
from project import house
from project.articles import samples

KEY = "Demo"
PROMPT = "A lighthouse above a calm sea at dusk, warm light in the windows"
IMAGE_SECONDS = 60.0
EDITOR_PERMISSIONS = {
    "imagen": (
        *("generate", "view_generation", "change_generation", "add_generation", "view_image", "change_image"),
        *("view_style", "view_template", "add_template"),
    ),
    "articles": (
        *("view_article", "change_article", "add_article"),
        *("view_figure", "change_figure", "add_figure", "delete_figure"),
    ),
}
PLACES = (
    ("Site", "/"),
    ("Editors", "/editors/"),
    ("Admin", "/admin/"),
    ("Studio", "/admin/imagen/studio/"),
    ("API", "/api/imagen/v1/generations/"),
    ("API docs", "/api/imagen/v1/docs/"),
    ("Health", "/healthz"),
)


class DemoError(Exception):
    """The demo cannot go on; the message is one sentence for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A demo account; its password is public, so it is made only where nobody else can reach the site."""

    name: str
    password: str
    superuser: bool = False


ADMIN = Account(name="admin", password="demo-admin", superuser=True)  # noqa: S106 - public on purpose, loopback only
EDITOR = Account(name="editor", password="demo-editor")  # noqa: S106 - public on purpose, loopback only


def prepare() -> User:
    """Migrate the database, make both accounts, try storage and broker; answers with the editor."""
    try:
        call_command("migrate", verbosity=0, interactive=False)
        account(ADMIN)
        user = editor()
    except Error as error:
        raise DemoError(f"The database cannot be used: {str(error).splitlines()[0].rstrip('.')}.") from error
    _require_house()
    allowance()
    return user


def allowance() -> None:
    """A monthly limit for each person, so that there is one to see; a site with budgets of its own keeps them."""
    if not Budget.objects.exists():
        Budget.objects.create(scope=Scope.EACH, limit=Decimal(5))


def _require_house() -> None:
    for finding in diagnosis.files():
        if finding.level is Level.ERROR:
            raise DemoError(f"The {finding.subject} {finding.text} {finding.fix}")
    if not queue.answers():
        raise DemoError("The queue's broker does not answer; start it, or check REDIS_URL.")


def account(wanted: Account) -> User:
    """The user of this account, made when missing; an existing password is left alone."""
    user, created = User.objects.get_or_create(
        username=wanted.name, defaults={"is_staff": True, "is_superuser": wanted.superuser}
    )
    if created:
        user.set_password(wanted.password)
        user.save()
    return user


def editor() -> User:
    """The demo's editor, who may generate, look and write."""
    user = account(EDITOR)
    for app, names in EDITOR_PERMISSIONS.items():
        user.user_permissions.add(*Permission.objects.filter(content_type__app_label=app, codename__in=names))
    return user


def key(user: User) -> str:
    """A fresh API key of the user; the one that an earlier demo showed goes."""
    ApiKey.objects.of(user).filter(name=KEY).delete()
    return keyring.issue(user=user, name=KEY, scopes=KeyScope.values)[1]


def first_image(user: User, *, check: Callable[[], None]) -> Generation:
    """Generate one image with the sandbox through the whole pipeline and wait until it is stored."""
    generation = pipeline.request(prompt=PROMPT, user=user, provider="sandbox", aspect_ratio="16:9")
    _await(generation, "first image", check=check)
    return generation


def magazine(user: User, *, check: Callable[[], None]) -> None:
    """Fill an empty magazine with the sample stories; their pictures are made side by side."""
    pictures = samples.ask(user)
    for slug, generation in pictures.items():
        _await(generation, f"picture for {slug}", check=check)
    samples.publish(pictures)
    house.furnish(pictures)


def _await(generation: Generation, name: str, *, check: Callable[[], None]) -> None:
    deadline = time.monotonic() + IMAGE_SECONDS
    while generation.status not in FINISHED:
        if time.monotonic() > deadline:
            raise DemoError(f"The {name} was not ready after {IMAGE_SECONDS:.0f} seconds.")
        check()
        time.sleep(0.1)
        generation.refresh_from_db()
    if generation.status != Status.COMPLETED:
        raise DemoError(f"The {name} ended as {generation.status}: {generation.error_code or 'no reason given'}.")


def presented(generation: Generation) -> dict[str, Any]:
    """The generation as the REST interface shows it."""
    return presentation.generation_json(generation)


def location(generation: Generation, port: int) -> str:
    """Where the admin shows a generation."""
    return f"http://127.0.0.1:{port}" + reverse("admin:imagen_generation_change", args=[generation.pk])


def welcome(port: int, *, key: str) -> str:
    """The addresses that exist on this site, and how to get in."""
    found = [f"  {label:<9} http://127.0.0.1:{port}{path}" for label, path in PLACES if _exists(path)]
    people = [f"  {each.name:<9} {each.password}" for each in (ADMIN, EDITOR)]
    return "\n".join(
        ["", "imagen demo", "", *found, "", "Sign in as", *people, "", f"API key of {EDITOR.name}", f"  {key}", ""]
    )


def _exists(path: str) -> bool:
    try:
        return bool(resolve(path).url_name)  # what catches everything else has no name
    except Resolver404:
        return False


def require_free(port: int) -> None:
    """Raise ``DemoError`` when something else listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise DemoError(f"Port {port} is taken; choose another with PORT=… or --port.") from error


def wait_for(port: int, *, check: Callable[[], None], seconds: float = 30.0) -> None:
    """Wait until the web server answers on the port."""
    deadline = time.monotonic() + seconds
    while True:
        check()
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError as error:
            if time.monotonic() > deadline:
                raise DemoError(f"The web server did not answer within {seconds:.0f} seconds.") from error
            time.sleep(0.1)
        else:
            return

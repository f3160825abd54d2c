"""Who may not know what is Ann's, and what their answers give away: for the test client and over real sockets alike."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import Permission, User

from imagen import keys
from imagen.api import scopes
from tests import factories
from tests.api.addresses import BODIES, FOR_EVERYBODY, Address, addresses, made_up

ALL = [each for each in addresses() if each.name not in FOR_EVERYBODY]
OF_ONE = [(each, verb) for each in ALL if each.of_one for verb in each.verbs]
OF_ALL = [(each, verb) for each in ALL if not each.of_one for verb in each.verbs]
LISTS = [each for each, verb in OF_ALL if verb == "get" and each.view.parameters]
SLASHES = (True, False)
IDS = frozenset({"batch", "endpoint", "generation"})  # filters that name one
TARGETS = 2  # somebody else's, and what nobody has
PASSING = frozenset({"date", "x-request-id", "ratelimit-remaining", "ratelimit-reset"})  # of one request alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """Somebody else: which permissions of ours (a pattern), how they come, and what their key opens if not all."""

    may: str = "generate"
    staff: bool = False
    browser: bool = False
    scopes: tuple[str, ...] = ()

    def person(self, name: str) -> User:
        """A user who is like this."""
        ours = Permission.objects.filter(content_type__app_label="imagen", codename__regex=f"^({self.may})$")
        return factories.person(name, *ours.values_list("codename", flat=True), is_staff=self.staff)

    def refused(self, address: Address, verb: str) -> int:
        """What they are told of any id there: 403 when they may not even ask, else 404."""
        buys = any(rule.__name__ == "MayGenerate" for rule in address.view.permission_classes)
        unable = verb == "post" and buys and not re.fullmatch(self.may, "generate")
        closed = self.scopes and scopes.needed(address.view, verb.upper()) not in self.scopes
        return 403 if unable or closed else 404


STRANGERS: Mapping[str, Stranger] = {
    "another editor": Stranger(),
    "another editor's browser": Stranger(browser=True),
    "another editor's key that only looks": Stranger(scopes=("read",)),
    "somebody who may only look": Stranger(may=""),
    "a reviewer of the staff": Stranger(may="generate|review|manage_budget", staff=True),
    "whoever may change all in the admin": Stranger(may="generate|(change|delete|add)_.*", staff=True),
}
NOBODIES: Mapping[str, dict[str, str]] = {  # by the headers they come with
    "nobody": {},
    "a forged token": {"Authorization": "Token 0123456789abcdef0123456789abcdef01234567"},
    "a forged key": {"Authorization": f"Bearer {keys.mint().text}"},
}
CALLERS = len(STRANGERS) + len(NOBODIES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """All that can be read of one; the names of its headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def told(self) -> tuple[int, Any, dict[str, str]]:
        """What can be told apart, without what is different each time."""
        headers = {name: value for name, value in self.headers.items() if name not in PASSING}
        return self.status, self._said, headers

    @property
    def _said(self) -> Any:
        written = self.body and self.headers.get("content-type", "").endswith("json")
        return {**json.loads(self.body), "request_id": ""} if written else self.body

    def of(self, traces: Iterable[str], *, but: str = "") -> list[str]:
        """Which of these stand in it."""
        text = f"{self.headers} {self.body.decode('utf-8', 'replace')}"
        return [trace for trace in traces if trace in text and trace != but]


Ask = Callable[[str, str, Any], Answer]  # with a method, at a path, with a body


def ask(caller: Ask, address: Address, verb: str, pk: Any = None, *, slash: bool = True) -> Answer:
    """What this caller is told there."""
    return caller(verb, address.path(pk, slash=slash), BODIES.get((address.name, verb)))


def given_away(
    caller: Ask, address: Address, verb: str, pk: Any, *, status: int, traces: Iterable[str]
) -> Iterator[str]:
    """What tells this id of somebody else's from a made-up one, or tells more; nothing when all is well."""
    for slash in SLASHES:
        where = f"{verb} {address.path(pk, slash=slash)}"
        foreign = ask(caller, address, verb, pk, slash=slash)
        unknown = ask(caller, address, verb, made_up(), slash=slash)
        if foreign.status != status:
            yield f"{where}: {foreign.status} instead of {status}"
        if foreign.told != unknown.told:
            yield f"{where}: {foreign.told} and of a made-up id {unknown.told}"
        if found := foreign.of(traces):
            yield f"{where}: {found} in the answer"


def of_everybody(caller: Ask, address: Address, verb: str, *, known: bool, traces: Iterable[str]) -> Iterator[str]:
    """What an address without an id says of somebody else, or says to somebody nobody knows."""
    for slash in SLASHES:
        answer = ask(caller, address, verb, slash=slash)
        if (answer.status != 401) != known:
            yield f"{verb} {address.name}: {answer.status}"
        if found := answer.of(traces):
            yield f"{verb} {address.name}: {found} in the answer"


def narrowed_to(caller: Ask, address: Address, name: str, value: str, *, traces: Iterable[str]) -> Iterator[str]:
    """What of somebody else a filter finds, or what tells an id of theirs from a made-up one."""
    where = f"{address.path()}?{urlencode({name: value})}"
    answer = caller("get", where, None)
    if answer.status != 200 or answer.of(traces, but=value):
        yield f"{where}: {answer.status} {answer.body!r}"
    if name in IDS:
        unknown = caller("get", f"{address.path()}?{urlencode({name: made_up()})}", None)
        if unknown.told != answer.told:
            yield f"{where}: {answer.told} and of a made-up id {unknown.told}"

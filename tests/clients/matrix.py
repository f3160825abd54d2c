"""The matrix of ``tests/api/test_isolation.py`` over real sockets, everybody asking at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from imagen.testing.sink import Sink
from proof.site import Place
from tests.api.addresses import Address, narrowed
from tests.api.strangers import (
    LISTS,
    OF_ALL,
    OF_ONE,
    SLASHES,
    STRANGERS,
    TARGETS,
    ask,
    given_away,
    narrowed_to,
    of_everybody,
)
from tests.clients.guests import CALL
from tests.clients.wire import Belongings, Caller

AT_ONCE = 8  # as many as the web server has threads
GOOD = (200, 201, 202, 204, 409)  # what is over cannot be cancelled, but its owner is told so
WAYS = ("", "../private/", "%2e%2e/private/")
NOT_THERE = (400, 404)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A live site with all of them in it."""

    owner: Caller
    strangers: Mapping[str, Caller]
    nobodies: Mapping[str, Caller]
    hers: Belongings
    private: Path

    @classmethod
    def of(cls, site: Place, sink: Sink) -> Self:
        """Everybody comes, and the owner asks for something of everything."""
        told = json.loads(site.manage("shell", "--no-imports", "-c", CALL).splitlines()[-1])

        def callers(word: str) -> dict[str, Caller]:
            return {name: Caller(port=site.port, headers=sent, hook=sink.url) for name, sent in told[word].items()}

        owner = Caller(port=site.port, headers=told["owner"], hook=f"http://127.0.0.1:{sink.port}/swordfish")
        known = {"strangers": callers("strangers"), "nobodies": callers("nobodies")}
        private = Path(site.env["MEDIA_ROOT"]) / "private"
        return cls(owner=owner, hers=Belongings.of(owner), private=private, **known)

    @property
    def cells(self) -> int:
        """How many questions the others ask of addresses, filters and files aside."""
        callers = len(self.strangers) + len(self.nobodies)
        return (len(OF_ONE) * TARGETS + len(OF_ALL)) * len(SLASHES) * callers

    def seen(self) -> list[Any]:
        """Everything of hers as its owner sees it."""
        return [self._hers(address, verb).told for address, verb in OF_ONE if verb == "get"]

    def given_away(self) -> list[str]:
        """What anybody else finds out."""
        asked = [*self._cells(), *self._filters(), *self._files()]
        with ThreadPoolExecutor(AT_ONCE) as crowd:
            return [wrong for found in crowd.map(list, asked) for wrong in found]

    def refused(self) -> list[str]:
        """What the owner may not do with hers, to the last of it."""
        ends = [case for case in OF_ONE if case[1] == "delete"]
        order = reversed([*ends, *(case for case in OF_ONE if case not in ends)])
        answers = ((f"{verb} {address.name}", self._hers(address, verb)) for address, verb in order)
        return [f"{what}: {answer.status}" for what, answer in answers if answer.status not in GOOD]

    def _hers(self, address: Address, verb: str) -> Any:
        return ask(self.owner, address, verb, self.hers.things[address.things])

    def _cells(self) -> Iterator[Iterator[str]]:
        for name, caller in {**self.strangers, **self.nobodies}.items():
            for address, verb in OF_ONE:
                yield self._of_one(name, caller, address, verb)
            for address, verb in OF_ALL:
                yield self._of_all(name, caller, address, verb)

    def _of_one(self, name: str, caller: Caller, address: Address, verb: str) -> Iterator[str]:
        status = STRANGERS[name].refused(address, verb) if name in STRANGERS else 401
        pk = self.hers.things[address.things]
        for wrong in given_away(caller, address, verb, pk, status=status, traces=self.hers.traces):
            yield f"{name}: {wrong}"

    def _of_all(self, name: str, caller: Caller, address: Address, verb: str) -> Iterator[str]:
        known = name in self.strangers
        for wrong in of_everybody(caller, address, verb, known=known, traces=self.hers.traces):
            yield f"{name}: {wrong}"

    def _filters(self) -> Iterator[Iterator[str]]:
        caller = self.strangers["another editor"]
        for address in LISTS:
            for name, value in narrowed(address, self.hers.anchor):
                yield narrowed_to(caller, address, name, value, traces=self.hers.traces)

    def _files(self) -> Iterator[Iterator[str]]:
        folder = self.private / "imagen" / self.hers.things["images"]
        names = [path.relative_to(self.private) for path in folder.iterdir()]
        assert len(names) == 2, names  # the picture and the small one
        yield from (self._served(f"/media/{way}{name}") for way in WAYS for name in names)

    def _served(self, path: str) -> Iterator[str]:
        """Files are at no address of their own, not even for their owner."""
        answer = self.owner("get", path)
        if answer.status not in NOT_THERE:
            yield f"{path}: {answer.status}"

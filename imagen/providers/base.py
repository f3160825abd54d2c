"""What a gateway is to us: offers, words, two calls and one reading. No socket, no Django."""

from __future__ import annotations

import json
import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, ClassVar
from urllib.parse import urlsplit

from imagen.exceptions import BadSignature, ProviderError, Unreadable
from imagen.offers import Model, Offer, Price
from imagen.providers.reading import REMOTE_ID, SURPRISES, Reader, between, first, is_empty, moment, possible, readable
from imagen.types import Call, Found, ImageRequest, Reply, Snapshot, State

__all__ = ["REMOTE_ID", "Provider", "between", "first", "is_empty", "moment", "readable"]
logger = logging.getLogger("imagen")
_WORD = re.compile(r"[A-Za-z0-9_-]{1,30}")
_MOST_PUZZLES = 20


class Provider(Reader, ABC):
    """One gateway: facts as class attributes, two calls, one reading; it never opens a socket."""

    slug: ClassVar[str]
    origin: ClassVar[str]
    offers: ClassVar[Mapping[str, tuple[Offer, ...]]]
    words: ClassVar[Mapping[str, State]]
    models: ClassVar[tuple[Model, ...]] = ()  # what it sells that ``imagen.offers.MODELS`` does not know
    idempotent: ClassVar[bool] = False
    webhooks: ClassVar[bool] = False
    signed: ClassVar[bool] = False  # whether ``ring`` has a signature to verify over the whole body
    needs_key: ClassVar[bool] = True
    retention: ClassVar[float] = 3600.0  # seconds the gateway keeps outputs; an hour where it does not say

    def __init__(
        self,
        *,
        api_key: str = "",
        base_url: str = "",
        webhook_secret: str = "",
        per_minute: int = 0,
        max_in_flight: int = 0,
    ) -> None:
        self.api_key = api_key
        self.url = (base_url or self.origin).rstrip("/")
        self.webhook_secrets = tuple(part.strip() for part in webhook_secret.split(",") if part.strip())
        self.per_minute = per_minute
        self.max_in_flight = max_in_flight
        self.puzzles: set[str] = set()  # status words it used and we do not know, until they are noted

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {urlsplit(self.url).netloc}>"

    @property
    def configured(self) -> bool:
        """Whether calls can be made at all: the key is there, or none is needed."""
        return bool(self.api_key) or not self.needs_key

    @abstractmethod
    def submit(self, request: ImageRequest, *, offer: Offer, key: str, callback: str = "") -> Call:
        """The call that starts a job. ``key`` makes a repeat recognisable where the gateway supports it."""

    @abstractmethod
    def check(self, remote_id: str) -> Call:
        """The call that asks how a job is doing, built from its id alone."""

    @abstractmethod
    def parse(self, document: dict[str, Any]) -> Snapshot:
        """What a good answer says. Plain dict access is fine: ``read`` catches surprises."""

    def ring(self, headers: Mapping[str, str], body: bytes) -> str:
        """Verify an incoming webhook and return the remote id it is about."""
        raise BadSignature(f"{self.label} sends no webhooks we can verify")

    # What follows is optional: a gateway without it says so by these answers.

    @property
    def calls_back(self) -> bool:
        """Whether a webhook may be asked for: there is one, and what it takes to believe it is configured."""
        return self.webhooks

    def find(self, *, offer: Offer, since: datetime, until: datetime, after: str = "") -> Call | None:
        """The call that lists the jobs of our account made between two times; ``after`` asks for the next page."""
        return None

    def parse_found(self, document: dict[str, Any]) -> Found:
        """One page of that list; an item that cannot be read is left out."""
        raise Unreadable(f"{self.label} has no list of jobs to read")

    def balance(self) -> tuple[Call, ...]:
        """The calls that ask what is left on the account; the next is for when one is not found."""
        return ()

    def parse_balance(self, document: dict[str, Any]) -> str:
        """The balance in plain words, the amount first, from the answer to ``balance``."""
        raise Unreadable(f"{self.label} has no balance to read")

    def catalogue(self) -> Call | None:
        """The call that lists what the gateway sells."""
        return None

    def parse_catalogue(self, document: dict[str, Any]) -> tuple[Offer, ...]:
        """The image offers in that list, priced as far as it says; what we cannot describe is left out."""
        raise Unreadable(f"{self.label} has no list of models to read")

    def price(self, offer: Offer) -> tuple[Call, ...]:
        """The calls that ask what one image of this offer costs; the next is for when one is not found."""
        return ()

    def parse_price(self, document: dict[str, Any]) -> Price:
        """The price of one image from the answer to ``price``."""
        raise Unreadable(f"{self.label} has no price to read")

    # What every gateway's answers have in common.

    def read(self, reply: Reply) -> Snapshot:
        """The news in a reply, or the error that says what to do next."""
        return self.understand(reply, lambda document: self._checked(self.parse(document)))

    def read_check(self, reply: Reply) -> Snapshot:
        """The news in the answer to ``check``, where it says more by its status than the answer to ``submit``."""
        return self.read(reply)

    def read_found(self, reply: Reply) -> Found:
        """A page of the list of jobs, without those whose id cannot be one."""
        return self.understand(reply, lambda document: self._looked_through(self.parse_found(document)))

    def read_balance(self, reply: Reply) -> str:
        """The balance, fit to show."""
        return self.clean(self.understand(reply, self.parse_balance))

    def read_catalogue(self, reply: Reply) -> tuple[Offer, ...]:
        """The image offers in the list of what the gateway sells."""
        return self.understand(reply, self.parse_catalogue)

    def read_price(self, reply: Reply) -> Price:
        """The price of one image."""
        return self.understand(reply, self.parse_price)

    @property
    def lists(self) -> bool:
        """Whether the gateway lists our jobs, so that one can be looked for."""
        return type(self).find is not Provider.find

    def probe(self) -> tuple[Call, ...]:
        """The calls that find out for nothing whether a broken gateway works again."""
        return self.balance()

    def works(self, reply: Reply) -> bool:
        """Whether the answer to ``probe`` says so: here, that something is left on the account."""
        return not is_empty(self.read_balance(reply))

    @property
    def account(self) -> str:
        """Whom we are there, as few letters that tell one account from another and no key."""
        return sha256(f"{self.url} {self.api_key}".encode()).hexdigest()[:16]

    def _checked(self, snapshot: Snapshot) -> Snapshot:
        if snapshot.remote_id != "" and not possible(snapshot.remote_id):
            raise Unreadable(f"{self.label} answered with an impossible id")
        failure = snapshot.failure and replace(snapshot.failure, message=self.clean(snapshot.failure.message))
        return replace(snapshot, failure=failure, model=self.clean(snapshot.model)[:100])

    def _looked_through(self, found: Found) -> Found:
        if not found.more.isprintable():
            raise Unreadable(f"{self.label} names a next page that cannot be asked for")
        return replace(found, traces=tuple(trace for trace in found.traces if possible(trace.remote_id)))

    def named(self, body: bytes) -> str:
        """The remote id that a delivery, its signature verified, is about."""
        try:
            remote_id = self.about(json.loads(body))
        except (*SURPRISES, ProviderError) as error:
            raise BadSignature("the delivery is not about a job") from error
        if not possible(remote_id):
            raise BadSignature("the delivery names an impossible id")
        return str(remote_id)

    def claimed(self, body: bytes) -> State | None:
        """What a verified delivery says of the job: noted at most, never believed; ``None`` where none is signed."""
        with suppress(*SURPRISES):
            return self.words.get(str(json.loads(body)["status"]).lower()) if self.signed else None
        return None

    def about(self, delivery: Any) -> Any:
        """The remote id in the body of a webhook."""
        return delivery["id"]

    def state(self, word: str) -> State:
        """A word we do not know means "not finished", never "failed"."""
        if word.lower() not in self.words:
            _puzzled(self.slug, self.clean(word)[:50])
            self._wonder(word)
        return self.words.get(word.lower(), State.PENDING)

    def _wonder(self, word: str) -> None:
        """Remember it as far as it looks like a word; what a gateway may say instead stands in no row."""
        if len(self.puzzles) < _MOST_PUZZLES:
            self.puzzles.add(word if _WORD.fullmatch(word) and word == self.clean(word) else "?")


@lru_cache(maxsize=256)
def _puzzled(slug: str, word: str) -> None:
    """Say once, and not with every look, that a gateway uses a word we do not know."""
    logger.warning("a provider says %r of a job, which we do not know", word, extra={"provider": slug})

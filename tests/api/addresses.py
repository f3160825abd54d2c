"""Every address of ours as the URLconf has it, and what of Ann's is behind it: a new one needs a line here."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.urls import URLPattern, URLResolver, get_resolver

from imagen import batches
from imagen.api.pagination import Cursor
from imagen.models import Batch, Delivery, Endpoint, Generation, Image
from tests import endpoints, factories

VERBS = ("get", "post", "put", "patch", "delete")
HOOK = "https://shop.example/swordfish"
WORDS = "a swordfish above the tower"
TEXTS = {"alt_text": "swordfish alternative", "title": "swordfish title"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One route; ``of_one`` when its path holds an id."""

    name: str
    route: str
    view: Any
    of_one: bool

    @property
    def verbs(self) -> tuple[str, ...]:
        """What it answers to."""
        known = tuple(verb for verb in VERBS if hasattr(self.view, verb))
        return (*known, "head") if "get" in known and self.name not in STREAMS else known

    @property
    def things(self) -> str:
        """What its ids are ids of, by the word before them."""
        return self.route.partition("/<uuid:pk>")[0].rpartition("/")[2]

    def path(self, pk: Any = None, *, slash: bool = True) -> str:
        """The path of this id."""
        found = "/" + self.route.replace("<uuid:pk>", str(pk))
        return found if slash else found.removesuffix("/")


def addresses() -> Iterator[Address]:
    """All of them, by their names."""
    for pattern, route in _flat(get_resolver("imagen.urls").url_patterns, ""):
        if pattern.name and isinstance(pattern, URLPattern):
            view = getattr(pattern.callback, "view_class", None)
            yield Address(name=pattern.name, route=route, view=view, of_one="<uuid:pk>" in route)


def _flat(patterns: list[Any], before: str) -> Iterator[tuple[Any, str]]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _flat(pattern.url_patterns, route)
        else:
            yield pattern, route


STREAMS = frozenset({"generation-events"})  # they know no HEAD
FOR_EVERYBODY: Mapping[str, str] = {  # they know nobody and tell nothing of anybody
    "schema": "the description",
    "docs": "the page to read it",
    "docs-file": "what that page loads",
    "hook": "gateways prove who they are by a signature",
    "healthz": "counts, for whoever watches the site",
}


def _generation(owner: User) -> Generation:
    words = {"prompt": WORDS, "negative_prompt": f"not {WORDS}", "metadata": {"swordfish": "yes"}}
    made = factories.completed(owner, status="partial", num_images=2, cost_actual=Decimal("0.038"), **words)
    made.images.update(**TEXTS)
    return made


def _image(owner: User) -> Image:
    return _generation(owner).images.all()[0]


def _batch(owner: User, *, done: bool = True) -> Batch:
    made = batches.request_many([{"prompt": WORDS}], user=owner, metadata={"swordfish": "yes"})
    if done:
        batches.cancel(made, actor=owner)
    return made


def endpoint(owner: User, **facts: Any) -> Endpoint:
    return endpoints.endpoint(owner, url=HOOK, **facts)


def _delivery(owner: User) -> Delivery:
    return endpoints.delivery(endpoint(owner), generation=_generation(owner), status="delivered")


THINGS: Mapping[str, Callable[[User], Any]] = {  # by the name of an address with an id: what of the owner's it is about
    "generation": _generation,
    "generation-cancel": lambda owner: factories.generation(owner, prompt=WORDS),
    "generation-retry": _generation,
    "generation-events": lambda owner: factories.generation(owner, status="canceled", prompt=WORDS),
    "batch": _batch,
    "batch-cancel": lambda owner: _batch(owner, done=False),
    "webhook-endpoint": endpoint,
    "webhook-endpoint-rotate": endpoint,
    "webhook-endpoint-ping": lambda owner: endpoint(owner, state="pending", verified_at=None),
    "webhook-endpoint-test": endpoint,
    "webhook-endpoint-enable": lambda owner: endpoint(owner, state="disabled", reason="by_hand"),
    "webhook-endpoint-disable": endpoint,
    "webhook-delivery": _delivery,
    "webhook-delivery-redeliver": _delivery,
    "api-image": _image,
    "image": _image,
    "thumbnail": _image,
}
BODIES: Mapping[tuple[str, str], dict[str, Any]] = {  # what a right request sends, where it sends anything
    ("generations", "post"): {"prompt": "a tower"},
    ("quotes", "post"): {"prompt": "a tower"},
    ("batches", "post"): {"requests": [{"prompt": "a tower"}]},
    ("webhook-endpoints", "post"): {"url": "https://other.example/hooks"},
    ("webhook-endpoint", "patch"): {"name": "mine now"},
    ("api-image", "patch"): {"title": "mine now"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A generation of Ann's, and what else of hers a list can be narrowed to."""

    pk: Any
    created_at: datetime
    status: str
    model: str
    provider: str
    batch: Any
    endpoint: Any


def anchor(owner: User) -> Anchor:
    """All of it."""
    made = _generation(owner)
    facts = {name: str(getattr(made, name)) for name in ("status", "model", "provider")}
    beside = {"batch": _batch(owner).pk, "endpoint": endpoint(owner).pk}
    return Anchor(pk=made.pk, created_at=made.created_at, **facts, **beside)


def beside(thing: Any) -> str:
    """The cursor of a link that only its owner ever got."""
    return str(Cursor.beside(thing, back=False))


PARAMETERS: Mapping[str, Callable[[Anchor], str]] = {  # by filter, or address and filter: what finds Ann's
    "cursor": beside,
    "page_size": lambda made: "100",
    "status": lambda made: made.status,
    "model": lambda made: made.model,
    "provider": lambda made: made.provider,
    "created_after": lambda made: "2000-01-01T00:00:00Z",
    "created_before": lambda made: "2100-01-01T00:00:00Z",
    "search": lambda made: "swordfish",
    "batch": lambda made: str(made.batch),
    "webhook-deliveries status": lambda made: "delivered",
    "endpoint": lambda made: str(made.endpoint),
    "event": lambda made: "generation.completed",
    "generation": lambda made: str(made.pk),
}


def narrowed(address: Address, made: Anchor) -> Iterator[tuple[str, str]]:
    """Every filter of a list, pointed at what is hers."""
    for name in address.view.parameters:
        yield name, PARAMETERS.get(f"{address.name} {name}", PARAMETERS[name])(made)


SECRETS = ("swordfish", "ann@")


def traces(owner: User) -> set[str]:
    """What no stranger may ever read: words, names and ids of this person's."""
    ids = [
        *Generation.objects.filter(user=owner),
        *Image.objects.filter(generation__user=owner),
        *Batch.objects.filter(user=owner),
        *Endpoint.objects.filter(user=owner),
        *Delivery.objects.filter(endpoint__user=owner),
    ]
    return written(each.pk for each in ids)


def written(ids: Iterable[uuid.UUID]) -> set[str]:
    """Her words, and these ids in both their forms."""
    return {*SECRETS, *(form for each in ids for form in (str(each), each.hex))}


def made_up() -> uuid.UUID:
    """An id of nothing."""
    return uuid.uuid4()

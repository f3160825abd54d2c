"""What is Ann's does not exist for anybody else: every address, every method, every way in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.apps import apps
from django.http import HttpResponse

from tests import factories
from tests.api.addresses import (
    BODIES,
    FOR_EVERYBODY,
    PARAMETERS,
    THINGS,
    Address,
    addresses,
    anchor,
    narrowed,
    traces,
)
from tests.api.conftest import Api
from tests.api.strangers import (
    ALL,
    CALLERS,
    LISTS,
    NOBODIES,
    OF_ALL,
    OF_ONE,
    SLASHES,
    STRANGERS,
    TARGETS,
    Answer,
    Ask,
    Stranger,
    ask,
    given_away,
    narrowed_to,
    of_everybody,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sealed")]


def ids(cases: list[tuple[Address, str]]) -> list[str]:
    return [f"{what} {address.name}" for address, what in cases]


def read(response: HttpResponse) -> Answer:
    body = b"".join(response) if response.streaming else response.content
    for close in response._resource_closers:  # close() itself would end the connection to the database too
        close()
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(status=response.status_code, headers=headers, body=body)


def by(api: Api) -> Ask:
    """Whoever asks with this client."""

    def caller(verb: str, path: str, body: Any) -> Answer:
        looks = verb in ("get", "head")
        return read(getattr(api.client, verb)(path) if looks else api.send(verb, path, body))

    return caller


def strangers() -> dict[str, tuple[Ask, Stranger]]:
    return {name: (_stranger(name, who), who) for name, who in STRANGERS.items()}


def _stranger(name: str, who: Stranger) -> Ask:
    user = who.person(name)
    if not (who.browser or who.scopes):
        return by(Api(user))
    api = Api(**({} if who.browser else {"X-API-Key": factories.api_key(user, *who.scopes)[1]}))
    if who.browser:
        api.client.force_login(user)
    return by(api)


def nobodies() -> dict[str, Ask]:
    return {name: by(Api(**headers)) for name, headers in NOBODIES.items()}


def rows() -> dict[str, list[Any]]:
    """Everything in our tables."""
    return {
        model._meta.label: list(model._base_manager.order_by("pk").values())
        for model in apps.get_app_config("imagen").get_models()
        if model._meta.managed and not model._meta.proxy
    }


def kept() -> dict[str, list[Any]]:
    """The same but for the keys: when one was used last is noted."""
    return {label: found for label, found in rows().items() if label != "imagen.ApiKey"}


def test_every_address_is_in_a_table():
    named = {each.name for each in addresses()}
    assert {each.name for each in ALL if each.of_one} == THINGS.keys(), "tests/api/addresses.py: THINGS"
    assert FOR_EVERYBODY.keys() <= named
    assert {name for name, _ in BODIES} <= named
    assert {name for each in LISTS for name in each.view.parameters} <= PARAMETERS.keys(), "addresses.py: PARAMETERS"


def test_there_are_four_hundred_cells_and_more():
    of_one = len(OF_ONE) * len(SLASHES) * (CALLERS * TARGETS + 1)
    assert of_one + len(OF_ALL) * len(SLASHES) * CALLERS >= 400


@pytest.mark.parametrize(("address", "verb"), OF_ONE, ids=ids(OF_ONE))
def test_somebody_elses_is_as_unknown_as_a_made_up_id(ann, address, verb):
    theirs = THINGS[address.name](ann.user)
    callers, hers = strangers(), traces(ann.user)
    before = kept()
    for name, (caller, who) in callers.items():
        status = who.refused(address, verb)
        assert not [*given_away(caller, address, verb, theirs.pk, status=status, traces=hers)], name
    assert kept() == before


@pytest.mark.parametrize(("address", "verb"), OF_ONE, ids=ids(OF_ONE))
def test_who_does_not_say_who_they_are_learns_nothing_and_changes_nothing(ann, address, verb):
    theirs = THINGS[address.name](ann.user)
    hers, before = traces(ann.user), rows()
    for name, caller in nobodies().items():
        assert not [*given_away(caller, address, verb, theirs.pk, status=401, traces=hers)], name
    assert rows() == before


@pytest.mark.parametrize(("address", "verb"), OF_ONE, ids=ids(OF_ONE))
def test_its_owner_gets_there(ann, address, verb):
    for slash in SLASHES:
        own = THINGS[address.name](ann.user)
        response = ask(by(ann), address, verb, own.pk, slash=slash)
        assert response.status in (200, 201, 202, 204), response.body


@pytest.mark.parametrize(("address", "verb"), OF_ALL, ids=ids(OF_ALL))
def test_what_is_everybodys_says_nothing_of_anybody(ann, address, verb):
    for make in THINGS.values():
        make(ann.user)
    hers = traces(ann.user)
    known = {name: caller for name, (caller, _) in strangers().items()}
    for name, caller in {**known, **nobodies()}.items():
        assert not [*of_everybody(caller, address, verb, known=name in known, traces=hers)], name


@pytest.mark.parametrize("address", LISTS, ids=[each.name for each in LISTS])
def test_no_filter_cursor_or_search_finds_what_is_anothers(ann, bob, address):
    for make in THINGS.values():
        make(ann.user)
    filters = list(narrowed(address, anchor(ann.user)))
    own, hers = factories.completed(bob.user, prompt="a tower"), traces(ann.user)
    mine = {str(own.pk), *(str(image.pk) for image in own.images.all())}
    for name, value in filters:
        assert not [*narrowed_to(by(bob), address, name, value, traces=hers)], name
        response = read(bob.get(address.path(), data={name: value}))
        assert {row["id"] for row in json.loads(response.body)["results"]} <= mine, name

"""What a list changes about what is on sale here, and which prices are believed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from imagen.differences import Kind, Stand, compare, flaw
from imagen.offers import Offer, Price

OURS = Offer(model="imagen-4", id="ours", price=Price.of("0.04"))
SYNCED = Offer(model="imagen-5", id="synced", price=Price.of("0.05"))


def stand(**changes: Any) -> Stand:
    return Stand(**{"stock": (OURS, SYNCED), "table": frozenset({"ours"}), **changes})


def kinds(found: Any) -> list[tuple[Kind, str]]:
    return [(change.kind, change.offer.id) for change in found.changes]


def at(price: str, offer: Offer = OURS) -> Offer:
    return replace(offer, price=Price.of(price))


def test_a_list_that_says_what_we_know_changes_nothing():
    found = compare(stand(), [OURS, SYNCED])
    assert (found.changes, found.missing) == ((), ())
    assert set(found.prices) == {"ours", "synced"}


def test_a_price_that_rises_is_said_with_its_percentage():
    (change,) = compare(stand(), [at("0.05"), SYNCED]).changes
    assert (change.kind, change.old, change.new, change.percent) == (Kind.PRICE, OURS.price, Price.of("0.05"), 25)


def test_a_price_that_was_unknown_becomes_known_without_a_percentage():
    unknown = replace(OURS, price=Price())
    (change,) = compare(stand(stock=(unknown,)), [OURS]).changes
    assert (change.kind, change.new, change.percent) == (Kind.PRICE, OURS.price, None)


def test_a_price_the_list_does_not_say_stays_known():
    found = compare(stand(), [replace(OURS, price=Price()), SYNCED])
    assert (found.changes, "ours" in found.prices) == ((), False)


def test_a_rough_price_counts_only_while_no_other_is_known():
    assert compare(stand(), [at("0.06"), SYNCED], unpriced={"ours"}).changes == ()
    unknown = replace(OURS, price=Price())
    assert compare(stand(stock=(unknown,)), [at("0.06")], unpriced={"ours"}).prices == {"ours": Price.of("0.06")}


def test_a_new_offer_is_new_and_its_price_is_no_second_change():
    new = Offer(model="imagen-6", id="new", price=Price.of("0.1"))
    found = compare(stand(), [OURS, SYNCED, new])
    assert (kinds(found), found.prices["new"]) == ([(Kind.NEW, "new")], Price.of("0.1"))


def test_a_new_offer_at_an_impossible_price_is_new_at_an_unknown_one():
    new = Offer(model="imagen-6", id="new", price=Price.of("0"))
    found = compare(stand(), [OURS, new])
    assert kinds(found)[:2] == [(Kind.NEW, "new"), (Kind.NOT_TAKEN, "new")]
    assert (found.changes[0].new.amount, "new" in found.prices) == (None, False)


def test_an_offer_that_went_missing_is_told_once():
    found = compare(stand(), [OURS])
    assert (kinds(found), found.missing) == ([(Kind.GONE, "synced")], (SYNCED,))
    again = compare(stand(gone=frozenset({"synced"})), [OURS])
    assert (again.changes, again.missing) == ((), ())


def test_an_offer_that_is_listed_again_is_back():
    found = compare(stand(gone=frozenset({"synced"})), [OURS, SYNCED])
    assert kinds(found) == [(Kind.BACK, "synced")]


def test_what_a_synced_offer_can_do_may_change_and_what_our_own_can_do_may_not():
    listed = [replace(OURS, seed=True), replace(SYNCED, seed=True)]
    found = compare(stand(), listed)
    assert [(change.kind, change.offer.id, change.abilities) for change in found.changes] == [
        (Kind.ABILITIES, "synced", ("seed",))
    ]
    assert {offer.id: offer.seed for offer in found.offers} == {"ours": False, "synced": True}


@pytest.mark.parametrize("name", ["ours", "imagen-4"])
def test_a_price_that_the_settings_name_is_marked(name: str):
    (change,) = compare(stand(stock=(OURS,), fixed=frozenset({name})), [at("0.05")]).changes
    assert change.fixed


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("0.04", "0.4", ""),
        ("0.04", "0.4001", "jump"),
        ("0.04", "0.004", ""),
        ("0.04", "0.0039", "jump"),
        ("0.04", "0", "impossible"),
        ("0.04", "-1", "impossible"),
        ("0.04", "NaN", "impossible"),
        ("0.04", "sNaN", "impossible"),
        ("0.04", "Infinity", "impossible"),
        ("0.04", "0.00001", "impossible"),
        ("0.04", "1e30", "impossible"),
        ("0", "0.04", ""),
    ],
)
def test_a_price_is_believed_while_it_can_be_one_and_does_not_jump(old: str, new: str, why: str):
    assert flaw(Price(amount=Decimal(old)), Price(amount=Decimal(new))) == why


@pytest.mark.parametrize(
    ("unit", "why"),
    [("credits", "other_unit"), ("dollars and cents", "impossible"), ("U\x1b", "impossible"), ("", "impossible")],
)
def test_a_price_in_another_unit_is_not_believed(unit: str, why: str):
    assert flaw(OURS.price, Price.of("0.04", unit)) == why


def test_the_first_price_may_be_in_any_unit():
    assert flaw(Price(), Price.of("7", "credits")) == ""

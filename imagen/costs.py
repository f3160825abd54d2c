"""What calls cost: as their gateway says it, as people are shown it, and as it counts against budgets."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple, Protocol

from imagen.conf import settings
from imagen.offers import Price
from imagen.states import JobStatus

if TYPE_CHECKING:
    from imagen.models import Job

CREDITS = "credits"
NOTHING = Decimal(0)
SHOWN = Decimal("0.0001")
KEPT = Decimal("0.000001")
_OVER = (JobStatus.FAILED, JobStatus.CANCELED)


class Currency(NamedTuple):
    """What an amount is counted in; ``issuer`` is empty for money, which is the same everywhere."""

    unit: str
    issuer: str = ""


def currency(provider: str, unit: str) -> Currency:
    """The currency of an amount in this unit at this provider: the credits of two are two currencies."""
    return Currency(unit, provider if unit == CREDITS else "")


def site_currency() -> str:
    """What budgets are counted in."""
    return str(settings.BUDGET.get("currency", "USD"))


def rate(provider: str, unit: str) -> Decimal | None:
    """How much of the site's currency one of this unit is worth at this provider; ``None`` while nobody says."""
    if unit == site_currency():
        return Decimal(1)
    said = settings.CREDIT_RATES.get(provider) if unit == CREDITS else None
    return None if said is None else Decimal(str(said))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """The price of so many pictures: ``amount`` in ``unit`` for people, ``stake`` in ``stake_unit`` for budgets.

    ``rate`` is worth of one native unit in ``stake_unit``; without it the stake is the site's ceiling.
    """

    amount: Decimal | None
    unit: str
    stake: Decimal
    stake_unit: str
    rate: Decimal | None


def bill(provider: str, price: Price, images: int) -> Bill:
    """What so many pictures at this price cost here: converted where a rate is known, else as the gateway says it."""
    known, worth = price.amount, rate(provider, price.unit)
    amount = None if known is None else known * images * (1 if worth is None else worth)
    unit = price.unit if worth is None else site_currency()
    stake = _stake(amount, worth, images)
    return Bill(amount=amount, unit=unit, stake=stake, stake_unit=site_currency(), rate=worth)


def _stake(amount: Decimal | None, worth: Decimal | None, images: int) -> Decimal:
    if amount is not None and (worth is not None or not amount):
        return amount.quantize(KEPT)
    return (Decimal(settings.UNKNOWN_PRICE_CEILING) * images).quantize(KEPT)


class Staked(Protocol):
    """What of a call's row says where its money is."""

    @property
    def status(self) -> str: ...
    @property
    def error_code(self) -> str: ...
    @property
    def accepted_at(self) -> datetime | None: ...
    @property
    def sent_at(self) -> datetime | None: ...
    @property
    def price(self) -> Decimal | None: ...
    @property
    def cost(self) -> Decimal | None: ...
    @property
    def stake(self) -> Decimal: ...
    @property
    def rate(self) -> Decimal | None: ...


class Position(NamedTuple):
    """Where the money of one call is, in the currency of its stake."""

    reserved: Decimal = NOTHING
    spent: Decimal = NOTHING


def position(call: Staked) -> Position:
    """Set aside until a provider accepts it, then spent; free again only on proof that nothing is charged."""
    if call.accepted_at is not None or doubtful(call):
        return Position(spent=charge(call))
    if call.status in _OVER:
        return Position()
    return Position(reserved=call.stake)


def doubtful(call: Staked) -> bool:
    """Whether it was given up by a person who could not say that it was not charged."""
    lost = call.status == JobStatus.FAILED and call.error_code == "provider_job_lost"
    return lost and call.accepted_at is None and call.sent_at is not None and call.cost is None


def charge(call: Staked) -> Decimal:
    """What an accepted call counts as: its provider's own cost where that can be converted, else its stake's share."""
    if call.cost is None:
        return call.stake
    if call.rate is not None or not call.cost:
        return (call.cost * (call.rate or 0)).quantize(KEPT)
    return (call.stake * call.cost / call.price).quantize(KEPT) if call.price else call.stake


def shown_in(job: Job) -> Currency:
    """The currency people see this call's amounts in."""
    return currency(job.provider, job.cost_unit) if job.rate is None else Currency(job.stake_unit)


def shown(job: Job, amount: Decimal | None) -> Decimal | None:
    """An amount of this call as people see it."""
    return amount if amount is None or job.rate is None else amount * job.rate


def spent(jobs: Iterable[Job], *, into: Currency) -> Decimal | None:
    """What these calls cost so far; ``None`` while nobody knows, or where another currency is among it."""
    known = [(job, job.cost) for job in jobs if job.cost is not None]
    return _sum(known, into) if known else None


def expected(jobs: Collection[Job], *, into: Currency) -> Decimal | None:
    """What was spent on calls that others replace, and will be on those that stand."""
    replaced = {job.replaces_id for job in jobs}
    return _sum([(job, job.cost or NOTHING if job.pk in replaced else job.price) for job in jobs], into)


def _sum(amounts: Iterable[tuple[Job, Decimal | None]], into: Currency) -> Decimal | None:
    total = NOTHING
    for job, amount in amounts:
        if amount is None or (amount and shown_in(job) != into):
            return None
        total += shown(job, amount) or NOTHING
    return total.quantize(SHOWN)

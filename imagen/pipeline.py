"""The story as the doors know it: ask, quote, cancel, try again, save, delete, wait."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from imagen import (
    budgets,
    claims,
    costs,
    failpoints,
    files,
    hiring,
    kept,
    orders,
    outages,
    queue,
    registry,
    rules,
    unsaved,
    webhooks,
)
from imagen.budgets import Allowance
from imagen.conf import settings
from imagen.costs import Bill
from imagen.exceptions import Conflict, TransitionError
from imagen.models import Event, Generation, IdempotencyKey, leftovers
from imagen.offers import Offer
from imagen.orders import NOWHERE, Order
from imagen.origin import Origin
from imagen.pictures import describe, discard, review
from imagen.states import BEFORE_SENDING, FINISHED, JobStatus
from imagen.types import checked_metadata

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

__all__ = [
    "Quote",
    "bill",
    "bill_again",
    "cancel",
    "describe",
    "discard",
    "erase",
    "locked",
    "quote",
    "quote_again",
    "request",
    "retry",
    "review",
    "save_now",
    "sweep",
    "wait",
]
logger = logging.getLogger("imagen")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a request would cost and who would take it; ``estimated`` is ``None`` while the price is unknown.

    ``bill`` says how it counts against budgets; ``allowance`` is the budget with the least left, ``None`` without one.
    """

    bill: Bill
    provider: str
    offer: Offer
    allowance: Allowance | None
    warnings: tuple[str, ...]

    @property
    def estimated(self) -> Decimal | None:
        """The price in ``unit``."""
        return self.bill.amount

    @property
    def unit(self) -> str:
        """The currency of the price, or ``credits``."""
        return self.bill.unit

    @property
    def remaining(self) -> Decimal | None:
        """What is left to spend, in the site's currency."""
        return self.allowance.remaining if self.allowance else None

    @property
    def allowed(self) -> bool:
        """Whether the budgets allow it now."""
        return not self.bill.stake or self.remaining is None or self.bill.stake <= self.remaining


def quote(*, user: AbstractBaseUser | None = None, **options: Any) -> Quote:
    """Price a request without queueing anything; but for the budget it is refused exactly as ``request`` would."""
    return _quote(*_priced(options), user)


def bill(*, closed: hiring.Closed, **options: Any) -> Bill:
    """The price alone, refused likewise; who asks for many of them looks up once what is ``closed``."""
    return _bill(*_priced(options, closed))


def _priced(options: dict[str, Any], closed: hiring.Closed = claims.closed_now) -> tuple[registry.Choice, int]:
    metadata = options.pop("metadata", None)
    checked_metadata({} if metadata is None else metadata)
    asked = orders.allowed(options)
    return hiring.route(asked, closed=closed), asked.num_images


def _bill(choice: registry.Choice, images: int) -> Bill:
    return costs.bill(choice.alias, choice.offer.price, images)


def _quote(choice: registry.Choice, images: int, user: AbstractBaseUser | None) -> Quote:
    return Quote(
        bill=_bill(choice, images),
        provider=choice.alias,
        offer=choice.offer,
        allowance=budgets.tightest(user),
        warnings=hiring.warnings(choice.offer),
    )


@outages.begun_again
def request(
    *,
    user: AbstractBaseUser | None = None,
    metadata: dict[str, Any] | None = None,
    origin: Origin = NOWHERE,
    **options: Any,
) -> Generation:
    """Take a request and return its generation at once; the pictures are made in the background.

    Options are the fields of ``ImageRequest``; ``webhook_url``, at one of the person's endpoints, is told of the end.
    Raises ``Refused``, among it ``BudgetExceeded``, and then nothing is written and nothing set aside.
    """
    order = Order.of(user=user, metadata=metadata, **options)
    with transaction.atomic():
        (generation,) = orders.write([order], user=user, origin=origin)
        failpoints.reach("request written")
    failpoints.reach("request committed")
    logger.info("a request was taken: %s", _discreet(generation.prompt), extra=_facts(generation))
    queue.ring()
    return generation


def _discreet(prompt: str) -> str:
    """A prompt as the log may show it: enough to recognise it, not to read it."""
    return prompt if settings.LOG_PROMPTS else f"{hashlib.sha256(prompt.encode()).hexdigest()[:12]} ({len(prompt)})"


def _facts(generation: Generation) -> dict[str, str]:
    known = {"generation": str(generation.pk), "provider": generation.provider, "status": generation.status}
    return {**known, "job": "", "code": ""}


@outages.begun_again
def cancel(generation: Generation, *, actor: AbstractBaseUser | None = None) -> Generation:
    """Stop what was not sent yet; what was sent is kept when it comes, and a warning says so."""
    with transaction.atomic():
        generation = locked(generation)
        if not generation.cancelable:
            raise Conflict(state=generation.get_status_display())
        generation.save_changes(cancel_asked_at=timezone.now())
        Event.objects.create(generation=generation, what="cancel asked", actor_id=actor.pk if actor else None)
        _stop(generation, actor)
        generation.refresh_from_db()
        if generation.status not in FINISHED:
            generation.warn("already_submitted")
        failpoints.reach("cancel written")
    failpoints.reach("cancel committed")
    return generation


def locked(generation: Generation) -> Generation:
    """The row, locked after its calls: the engine takes them in this order too, so nobody waits in a circle."""
    list(generation.jobs.order_by("pk").select_for_update().values_list("pk"))
    return Generation.objects.select_for_update(no_key=True).get(pk=generation.pk)


def _stop(generation: Generation, actor: AbstractBaseUser | None) -> None:
    for job in generation.jobs.filter(status__in=BEFORE_SENDING).select_for_update(of=("self",)):
        with suppress(TransitionError):  # it was sent a moment ago
            job.move(JobStatus.CANCELED, actor=actor)


@outages.begun_again
def retry(generation: Generation, *, actor: AbstractBaseUser | None = None) -> Generation:
    """Ask again for what is missing: what a gateway still keeps is fetched for free, the rest is bought anew.

    ``Conflict`` when nothing can be tried again. While it is being fetched a second time changes nothing.
    """
    with transaction.atomic():
        generation = locked(generation)
        if not generation.retryable:
            raise Conflict(state=generation.get_status_display())
        found = kept.of(generation)
        kept.fetch(found, actor=actor)
        if found.to_buy or not (found.free or found.asked):
            _buy_again(generation, found.to_buy, actor)
        elif found.free:
            generation.save_changes(cancel_asked_at=None)
        Generation.objects.refresh_outcomes([generation.pk])
        generation.refresh_from_db()
        failpoints.reach("retry written")
    failpoints.reach("retry committed")
    queue.ring()
    return generation


def _buy_again(generation: Generation, places: set[int], actor: AbstractBaseUser | None) -> None:
    choice = _again(generation)
    Event.objects.create(generation=generation, what="retry asked", actor_id=actor.pk if actor else None)
    hiring.hand_over(generation, choice, places, cancel_asked_at=None)


def quote_again(generation: Generation, *, images: int) -> Quote:
    """What so many of its pictures would cost now, where ``retry`` would have them made."""
    return _quote(_again(generation), images, generation.user)


def bill_again(generation: Generation, *, images: int, closed: hiring.Closed) -> Bill:
    """The price alone, for who asks for many of them; its calls are read from it, so prefetch them."""
    return _bill(_again(generation, closed), images)


def _again(generation: Generation, closed: hiring.Closed = claims.closed_now) -> registry.Choice:
    """Who makes it, as long as the site's rules still allow its words."""
    rules.check(generation.prompt)
    return hiring.who_again(generation, closed=closed)


@outages.begun_again
def save_now(generation: Generation, *, actor: AbstractBaseUser | None = None) -> Generation:
    """Try at once to save pictures our storage did not take; they are paid, and a second time changes nothing.

    ``Conflict`` when none waits for our storage.
    """
    with transaction.atomic():
        generation = locked(generation)
        waiting = unsaved.of(generation)
        if not waiting:
            raise Conflict(state=generation.get_status_display())
        unsaved.hurry(waiting, actor=actor)
        failpoints.reach("saving written")
    failpoints.reach("saving committed")
    queue.ring()
    return generation


@outages.begun_again
def erase(generation: Generation) -> None:
    """Delete pictures, files and words; what was paid stays on record. Work under way ends without storing."""
    with suppress(Conflict):
        cancel(generation)
    with transaction.atomic():
        generation = locked(generation)
        files.doom([name for image in generation.images.all() for name in image.files])
        generation.images.all().delete()
        kept.forget(generation)
        generation.events.update(note="")
        generation.jobs.update(error_note="", answer="")
        generation.anomalies.update(note="")
        generation.deliveries.erase()
        IdempotencyKey.objects.filter(user=generation.user_id, body__id=str(generation.pk)).update(body={})
        generation.save_changes(
            prompt="", negative_prompt="", metadata={}, wording={}, error_note="", webhook_url="",
            deleted_at=timezone.now(),
        )  # fmt: skip
        failpoints.reach("erase written")
    failpoints.reach("erase committed")


def wait(generation: Generation, *, seconds: float, pause: Callable[[float], None] = time.sleep) -> Generation:
    """The generation when it is finished, or as it is after so many seconds; never call it in a transaction."""
    until, step = time.monotonic() + seconds, 0.1
    while not generation.finished and (left := until - time.monotonic()) > 0:
        pause(min(step, left))
        step = min(step * 1.3, 1.0)
        generation.refresh_from_db()
    return generation


def sweep() -> None:
    """Tidy up: delete doomed files and rows that have served."""
    files.clear()
    webhooks.tidy()
    for rows in leftovers():
        rows.delete()

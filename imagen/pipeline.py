"""The story as the doors know it: ask, quote, cancel, try again, delete, wait."""

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

from imagen import budgets, costs, failpoints, files, hiring, outages, queue, registry
from imagen.budgets import Allowance
from imagen.conf import settings
from imagen.costs import Bill
from imagen.exceptions import Conflict, TransitionError
from imagen.models import Event, Generation, IdempotencyKey, Image, leftovers
from imagen.offers import Offer
from imagen.states import BEFORE_SENDING, FINISHED, JobStatus, Review
from imagen.types import ImageRequest, checked_metadata

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

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
    metadata = options.pop("metadata", None)
    checked_metadata({} if metadata is None else metadata)
    return _quote(hiring.route(asked := ImageRequest.build(**options)), asked.num_images, user)


def _quote(choice: registry.Choice, images: int, user: AbstractBaseUser | None) -> Quote:
    return Quote(
        bill=costs.bill(choice.alias, choice.offer.price, images),
        provider=choice.alias,
        offer=choice.offer,
        allowance=budgets.tightest(user),
        warnings=hiring.warnings(choice.offer),
    )


@outages.begun_again
def request(
    *, user: AbstractBaseUser | None = None, metadata: dict[str, Any] | None = None, **options: Any
) -> Generation:
    """Take a request and return its generation at once; the pictures are made in the background.

    Options are the fields of ``ImageRequest``. Raises ``Refused``, among it ``BudgetExceeded``, and then nothing is
    written and nothing set aside.
    """
    asked = ImageRequest.build(**options)
    metadata = checked_metadata({} if metadata is None else metadata)
    choice = hiring.route(asked)
    whole = choice.offer.settle(asked)
    bill = costs.bill(choice.alias, choice.offer.price, whole.num_images)
    with transaction.atomic():
        generation = Generation.objects.create(
            user_id=user.pk if user else None,
            prompt=whole.prompt,
            negative_prompt=whole.negative_prompt,
            model=whole.model,
            provider=choice.alias,
            provider_named=registry.pinned(asked),
            aspect_ratio=whole.aspect_ratio,
            resolution=whole.resolution or "",
            num_images=whole.num_images,
            seed=whole.seed,
            output_format=whole.output_format or "",
            metadata=metadata,
            warnings=list(hiring.warnings(choice.offer)),
            cost_unit=bill.unit,
            cost_estimated=bill.amount,
        )
        hiring.engage(hiring.calls(generation, choice, range(whole.num_images)), user)
        Event.objects.create(generation=generation, what="asked", actor_id=user.pk if user else None)
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
    """Ask again for what is missing: new calls, new money. ``Conflict`` when nothing is missing."""
    with transaction.atomic():
        generation = locked(generation)
        if not generation.retryable:
            raise Conflict(state=generation.get_status_display())
        missing = set(range(generation.num_images)) - set(generation.images.values_list("index", flat=True))
        choice = hiring.who_again(generation)
        Event.objects.create(generation=generation, what="retry asked", actor_id=actor.pk if actor else None)
        hiring.hand_over(generation, choice, missing, cancel_asked_at=None)
        Generation.objects.refresh_outcomes([generation.pk])
        generation.refresh_from_db()
        failpoints.reach("retry written")
    failpoints.reach("retry committed")
    queue.ring()
    return generation


def quote_again(generation: Generation, *, images: int) -> Quote:
    """What so many of its pictures would cost now, where ``retry`` would have them made."""
    return _quote(hiring.who_again(generation), images, generation.user)


@outages.begun_again
def erase(generation: Generation) -> None:
    """Delete pictures, files and words; what was paid stays on record. Work under way ends without storing."""
    with suppress(Conflict):
        cancel(generation)
    with transaction.atomic():
        generation = locked(generation)
        files.doom([name for image in generation.images.all() for name in image.files])
        generation.images.all().delete()
        generation.events.update(note="")
        generation.jobs.update(error_note="", answer="")
        IdempotencyKey.objects.filter(user=generation.user_id, body__id=str(generation.pk)).update(body={})
        generation.save_changes(
            prompt="", negative_prompt="", metadata={}, error_note="", deleted_at=timezone.now()
        )  # fmt: skip
        failpoints.reach("erase written")
    failpoints.reach("erase committed")


def discard(image: Image, *, actor: AbstractBaseUser | None = None) -> None:
    """Delete one picture and its files; its generation stays, and so does what was paid."""
    with transaction.atomic():
        files.doom(image.files)
        Event.objects.create(generation=image.generation, what="picture deleted", actor_id=actor.pk if actor else None)
        image.generation.save_changes()
        image.delete()


def describe(image: Image, **texts: str) -> Image:
    """Set ``alt_text`` or ``title`` of a picture; readers of its generation notice."""
    with transaction.atomic():
        Image.objects.filter(pk=image.pk).update(**texts)
        image.generation.save_changes()
    image.refresh_from_db()
    return image


def review(image: Image, verdict: Review, *, actor: AbstractBaseUser) -> None:
    """Release or reject a picture held for review; rejecting refunds nothing. ``Conflict`` when it is not held."""
    with transaction.atomic():
        held = Image.objects.filter(pk=image.pk, review=Review.HELD)
        if not held.update(review=verdict):
            raise Conflict(state=image.get_review_display())
        Event.objects.create(generation=image.generation, what=f"picture {verdict}", actor_id=actor.pk)
        image.generation.save_changes()


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
    for rows in leftovers():
        rows.delete()

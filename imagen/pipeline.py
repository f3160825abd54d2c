"""The story as the doors know it: ask, quote, cancel, try again, delete, wait."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from itertools import compress
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from imagen import claims, costs, files, queue, registry
from imagen.conf import settings
from imagen.exceptions import Conflict, Refused, TransitionError
from imagen.models import Event, Generation, IdempotencyKey, Image, Job, Worker
from imagen.offers import Offer
from imagen.states import BEFORE_SENDING, FINISHED, JobStatus, Review
from imagen.types import RESOLUTIONS, ImageRequest, checked_metadata

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

logger = logging.getLogger("imagen")
ABOUT_OFFERS = ("model_retired_upstream", "price_unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a request would cost and who would take it; ``estimated`` is ``None`` while the price is unknown."""

    estimated: Decimal | None
    unit: str
    provider: str
    offer: Offer
    allowed: bool
    remaining: Decimal | None
    warnings: tuple[str, ...]


def quote(**options: Any) -> Quote:
    """Price a request without queueing anything; it is refused exactly as ``request`` would refuse it."""
    metadata = options.pop("metadata", None)
    checked_metadata({} if metadata is None else metadata)
    return _quote(_route(asked := ImageRequest.build(**options)), asked)


def _route(asked: ImageRequest) -> registry.Choice:
    registry.refresh()
    return registry.route(asked, avoid=() if asked.provider else claims.closed_now())


def _quote(choice: registry.Choice, asked: ImageRequest) -> Quote:
    return Quote(
        estimated=choice.offer.cost(asked.num_images),
        unit=choice.offer.price.unit,
        provider=choice.alias,
        offer=choice.offer,
        allowed=True,
        remaining=None,
        warnings=_warnings(choice.offer),
    )


def _warnings(offer: Offer) -> tuple[str, ...]:
    retired = offer.retired_upstream_on is not None and offer.retired_upstream_on <= timezone.now().date()
    return tuple(compress(ABOUT_OFFERS, (retired, offer.price.amount is None)))


def request(
    *, user: AbstractBaseUser | None = None, metadata: dict[str, Any] | None = None, **options: Any
) -> Generation:
    """Take a request and return its generation at once; the pictures are made in the background.

    Options are the fields of ``ImageRequest``. Raises ``Refused`` before anything is written.
    """
    asked = ImageRequest.build(**options)
    metadata = checked_metadata({} if metadata is None else metadata)
    choice = _route(asked)
    whole = choice.offer.settle(asked)
    told = _quote(choice, asked)
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
            warnings=list(told.warnings),
            cost_unit=told.unit,
            cost_estimated=told.estimated,
        )
        _hire(generation, choice, range(whole.num_images))
        Event.objects.create(generation=generation, what="asked", actor_id=user.pk if user else None)
    logger.info("a request was taken: %s", _discreet(generation.prompt), extra=_facts(generation))
    queue.ring()
    return generation


def _discreet(prompt: str) -> str:
    """A prompt as the log may show it: enough to recognise it, not to read it."""
    return prompt if settings.LOG_PROMPTS else f"{hashlib.sha256(prompt.encode()).hexdigest()[:12]} ({len(prompt)})"


def _facts(generation: Generation) -> dict[str, str]:
    known = {"generation": str(generation.pk), "provider": generation.provider, "status": generation.status}
    return {**known, "job": "", "code": ""}


def _hire(generation: Generation, choice: registry.Choice, places: Any, replaces: Job | None = None) -> None:
    step = choice.offer.images_per_call
    slots = list(places)
    for start in range(0, len(slots), step):
        job = Job.of(generation, offer=choice.offer, provider=choice.alias, slots=slots[start : start + step])
        job.replaces = replaces if start == 0 else None
        job.save(force_insert=True)


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
    return generation


def locked(generation: Generation) -> Generation:
    """The row, locked after its calls: the engine takes them in this order too, so nobody waits in a circle."""
    list(generation.jobs.order_by("pk").select_for_update().values_list("pk"))
    return Generation.objects.select_for_update(no_key=True).get(pk=generation.pk)


def _stop(generation: Generation, actor: AbstractBaseUser | None) -> None:
    for job in generation.jobs.filter(status__in=BEFORE_SENDING).select_for_update(of=("self",)):
        with suppress(TransitionError):  # it was sent a moment ago
            job.move(JobStatus.CANCELED, actor=actor)


def retry(generation: Generation, *, actor: AbstractBaseUser | None = None) -> Generation:
    """Ask again for what is missing: new calls, new money. ``Conflict`` when nothing is missing."""
    with transaction.atomic():
        generation = locked(generation)
        if not generation.retryable:
            raise Conflict(state=generation.get_status_display())
        missing = set(range(generation.num_images)) - set(generation.images.values_list("index", flat=True))
        choice = who_again(generation)
        Event.objects.create(generation=generation, what="retry asked", actor_id=actor.pk if actor else None)
        hand_over(generation, choice, missing, cancel_asked_at=None)
        Generation.objects.refresh_outcomes([generation.pk])
        generation.refresh_from_db()
    queue.ring()
    return generation


def again(generation: Generation) -> ImageRequest:
    """The same request; what was not named the first time is not named now."""
    asked = generation.request
    resolution = None if asked.resolution == RESOLUTIONS[0] else asked.resolution  # every offer's own default
    return replace(asked, resolution=resolution, provider=asked.provider if generation.provider_named else "")


def who_again(generation: Generation) -> registry.Choice:
    """The offer that makes what is missing; refused like any request when there is none."""
    registry.refresh()
    kept = _same_offer(generation) or _same_money(generation)
    return kept or registry.route(again(generation), avoid=claims.closed_now())


def quote_again(generation: Generation, *, images: int) -> Quote:
    """What so many of its pictures would cost now, where ``retry`` would have them made."""
    choice = who_again(generation)
    return _quote(choice, replace(again(generation), num_images=images))


def _same_offer(generation: Generation) -> registry.Choice | None:
    """What was asked for by a provider's name or own id, as long as it is listed there."""
    first = generation.jobs.order_by("created_at").first()
    if first is None or not generation.provider_named:
        return None
    with suppress(Refused):
        choice = registry.route(replace(again(generation), model=first.provider_model))
        return None if choice.gone_since else choice
    return None


def _same_money(generation: Generation) -> registry.Choice | None:
    """The provider that was paid for a part already, as long as it takes the rest: one request, one currency."""
    if not generation.cost_actual:
        return None
    with suppress(Refused):
        return registry.route(replace(again(generation), provider=generation.provider))
    return None


def hand_over(generation: Generation, choice: registry.Choice, places: Iterable[int], **changes: Any) -> None:
    """New calls for these places, instead of those that were to fill them; what is said of the offer follows."""
    wanted, standing = set(places), list(generation.jobs.filter(replacement=None))
    replaced = [job for job in standing if wanted & set(job.slots)]
    begun = replaced != standing or generation.images.exists()
    for job in replaced:
        _hire(generation, choice, [slot for slot in job.slots if slot in wanted], replaces=job)
    told = {**_offered(generation, choice), "resolution": _resolution(generation, choice.offer, begun=begun)}
    generation.save_changes(**told, **changes)


def _offered(generation: Generation, choice: registry.Choice) -> dict[str, Any]:
    """Who makes it, for how much, and what has to be said about that; other warnings stay."""
    unit, news = choice.offer.price.unit, _warnings(choice.offer)
    others = [code for code in generation.warnings if code not in ABOUT_OFFERS]
    expected = costs.expected(list(generation.jobs.all()), into=costs.currency(choice.alias, unit))
    return {"provider": choice.alias, "cost_unit": unit, "cost_estimated": expected, "warnings": [*others, *news]}


def _resolution(generation: Generation, offer: Offer, *, begun: bool) -> str:
    """The resolution its calls name from now on: what others were made or sent with stays, where the offer can."""
    if begun and (not offer.resolutions or generation.resolution in ("", *offer.resolutions)):
        return generation.resolution
    return offer.settle(again(generation)).resolution or ""


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
    """Tidy up: delete doomed files, forget old keys and workers."""
    files.clear()
    yesterday = timezone.now() - timedelta(days=1)
    IdempotencyKey.objects.filter(created_at__lt=yesterday).delete()
    Worker.objects.filter(beat_at__lt=yesterday).delete()

"""How a generation looks from outside: one sentence per code, one JSON for every door."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet, prefetch_related_objects
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.formats import date_format

from imagen import messages, registry, spending
from imagen.conf import settings
from imagen.models import Generation, Image, Job, Tempo
from imagen.states import WORKING, JobStatus, Status

clock = messages.clock
BuildUrl = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One code, what it means to a person, what it means for their money, and what can be done."""

    code: str
    message: str
    next_actions: tuple[str, ...] = ()
    money: str = ""

    @property
    def whole(self) -> str:
        """The sentence with the one about money at its end."""
        return f"{self.message} {self.money}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What there is to say about a generation: why it is not ready, what else to know, and what it costs."""

    error: Told | None
    warnings: tuple[Told, ...]
    money: str


def story(generation: Generation) -> Story:
    """The sentences about this generation; jobs and images are read from it, so prefetch them for many."""
    known, code = facts(generation), _trouble(generation)
    costly = [warning for warning in generation.warnings if messages.spent(warning)]
    money = spending.line(generation, next(iter([code, *costly] if code else costly), ""))
    warned = [tell(each, came=generation.status == Status.COMPLETED, **known) for each in generation.warnings]
    return Story(
        error=replace(tell(code, over=generation.finished, **known), money=money) if code else None,
        warnings=tuple(replace(each, money=money * (each.code in costly)) for each in warned),
        money=money,
    )


def facts(generation: Generation) -> dict[str, Any]:
    """What the sentences about this generation are filled with."""
    terms = _terms(list(generation.jobs.all()))
    retired = terms.get("retired_upstream_on")
    offer = _offer_facts(
        generation.provider, date.fromisoformat(retired) if retired else None, terms.get("successor") or ""
    )
    return {**offer, "id": generation.pk, "ready": len(generation.images.all()), "asked": generation.num_images}


def tell(code: str, *, over: bool = False, **facts: Any) -> Told:
    """A code with its sentence and next steps; ``over`` when nobody tries any more."""
    steps = messages.next_actions(code, over=over)
    return Told(code=code, message=messages.sentence(code, over=over, **facts), next_actions=steps)


def offered(code: str, *, alias: str, retired: date | None, successor: str) -> Told:
    """A warning about an offer that nobody has taken yet."""
    return tell(code, **_offer_facts(alias, retired, successor))


def provider_label(alias: str) -> str:
    """The name people know a provider by, or its alias once it is gone from the settings."""
    return registry.label(alias)


def whole(rows: QuerySet[Generation]) -> QuerySet[Generation]:
    """These rows with everything their JSON needs, in a constant number of queries."""
    return rows.prefetch_related("images", "jobs")


def public_url(path: str) -> str:
    """This path at our public origin; the bare path where none is set."""
    return settings.PUBLIC_URL.rstrip("/") + path


def generation_json(
    generation: Generation,
    *,
    build_url: BuildUrl = public_url,
    may_review: bool = False,
    tempos: Iterable[Tempo] | None = None,
) -> dict[str, Any]:
    """The Generation of the public contract; ``may_review`` shows the addresses of withheld pictures."""
    prefetch_related_objects([generation], "images", "jobs")
    told = story(generation)
    images = sorted(generation.images.all(), key=lambda image: image.index)
    return {
        "id": str(generation.pk),
        "status": str(generation.status),
        "model": generation.model,
        "provider": generation.provider,
        "prompt": generation.prompt,
        "negative_prompt": generation.negative_prompt,
        "aspect_ratio": generation.aspect_ratio,
        "resolution": generation.resolution or None,
        "num_images": generation.num_images,
        "seed": generation.seed,
        "output_format": generation.output_format or None,
        "metadata": generation.metadata,
        "images": [image_json(image, build_url=build_url, may_review=may_review) for image in images],
        "error": told.error and error_json(told.error),
        "warnings": [warning_json(warning) for warning in told.warnings],
        "cost": _cost(generation),
        "eta_seconds": _eta(generation, tempos),
        "created_at": moment(generation.created_at),
        "started_at": moment(generation.started_at),
        "completed_at": moment(generation.completed_at),
        "urls": _urls(generation, build_url),
    }


def generations_json(rows: Iterable[Generation], **options: Any) -> list[dict[str, Any]]:
    """The JSON of many, without asking for each of them how long its model takes."""
    tempos = list(Tempo.objects.all())
    return [generation_json(row, tempos=tempos, **options) for row in rows]


def image_json(image: Image, *, build_url: BuildUrl = public_url, may_review: bool = False) -> dict[str, Any]:
    """One picture of the public contract; a withheld one has no addresses but for reviewers."""
    shown = may_review or not image.withheld
    return {
        "id": str(image.pk),
        "index": image.index,
        "url": _url("image", image, build_url) if shown else None,
        "thumbnail_url": _url("thumbnail", image, build_url) if shown and image.thumbnail.name else None,
        "width": image.width,
        "height": image.height,
        "format": image.format,
        "bytes": image.bytes,
        "sha256": image.sha256,
        "alt_text": image.alt_text,
        "title": image.title,
        "flagged": image.flagged,
        "review": str(image.review),
        "ai_generated": True,
        "provider_model": image.provider_model,
        "created_at": moment(image.created_at),
    }


def models_json() -> list[dict[str, Any]]:
    """Every model on sale here with its offers, in the order of the route."""
    registry.refresh()
    found: dict[str, list[registry.Choice]] = {}
    for choice in registry.choices():
        found.setdefault(choice.offer.model, []).append(choice)
    return [_model(name, choices) for name, choices in found.items()]


def _model(name: str, choices: list[registry.Choice]) -> dict[str, Any]:
    facts = registry.model(name)
    first = choices[0].offer
    return {
        "id": name,
        "name": facts.name,
        "retired_upstream_on": first.retired_upstream_on and first.retired_upstream_on.isoformat(),
        "successor": first.successor or None,
        "offers": [_offer(choice) for choice in choices],
    }


def _offer(choice: registry.Choice) -> dict[str, Any]:
    return {
        "provider": choice.alias,
        "provider_model": choice.offer.id,
        "price": money(choice.offer.price.amount),
        "unit": choice.offer.price.unit,
        "parameters": choice.offer.parameters,
        "idempotent": choice.provider.idempotent,
        "webhooks": choice.provider.webhooks,
        "images_per_call": choice.offer.images_per_call,
    }


def error_json(told: Told) -> dict[str, Any]:
    """The error of a generation in the public contract."""
    return {"code": told.code, "message": told.whole, "next_actions": list(told.next_actions)}


def warning_json(told: Told) -> dict[str, str]:
    """A warning of the public contract."""
    return {"code": told.code, "message": told.whole}


def eta(generation: Generation, *, tempos: Iterable[Tempo] | None = None) -> int | None:
    """Whole seconds until it is probably ready, from what this model usually takes; ``None`` when unknown.

    ``tempos`` saves the query when there are many to ask about.
    """
    if generation.finished:
        return None
    known = Tempo.objects.filter(provider=generation.provider) if tempos is None else tempos
    models = {(generation.provider, job.provider_model) for job in generation.jobs.all()}
    tempo = next((each for each in known if (each.provider, each.provider_model) in models), None)
    if tempo is None:
        return None
    gone = (timezone.now() - (generation.started_at or generation.created_at)).total_seconds()
    return max(1, round(tempo.mean + tempo.deviation - gone))


def money(amount: Decimal | None) -> str | None:
    """An amount as decimal text with four places."""
    return None if amount is None else f"{amount:.4f}"


def moment(at: datetime | None) -> str | None:
    """A time in UTC as ISO 8601."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _trouble(generation: Generation) -> str:
    """The code that explains why it is not ready: its own, or that of a call still waiting."""
    waiting = (job.error_code for job in generation.jobs.all() if job.error_code and JobStatus(job.status) in WORKING)
    return generation.error_code or next(waiting, "")


def _terms(jobs: list[Job]) -> dict[str, Any]:
    return max(jobs, key=lambda job: job.created_at).terms if jobs else {}


def _offer_facts(alias: str, retired: date | None, successor: str) -> dict[str, Any]:
    known = {
        "provider": provider_label(alias),
        "retired": retired and date_format(retired, "DATE_FORMAT"),
        "successor": successor and registry.model(successor).name,
    }
    return {name: value for name, value in known.items() if value}


def _cost(generation: Generation) -> dict[str, Any]:
    return {
        "unit": generation.cost_unit,
        "estimated": money(generation.cost_estimated),
        "actual": money(generation.cost_actual),
    }


def _eta(generation: Generation, tempos: Iterable[Tempo] | None) -> int | None:
    return None if generation.status == Status.UNCONFIRMED else eta(generation, tempos=tempos)


def _urls(generation: Generation, build_url: BuildUrl) -> dict[str, str | None]:
    return {
        "self": _url("generation", generation, build_url),
        "cancel": _url("generation-cancel", generation, build_url) if generation.cancelable else None,
        "retry": _url("generation-retry", generation, build_url) if generation.retryable else None,
    }


def _url(name: str, row: Generation | Image, build_url: BuildUrl) -> str | None:
    try:
        return build_url(reverse(f"imagen:{name}", args=[row.pk]))
    except NoReverseMatch:  # a site may use the commands without our URLs
        return None

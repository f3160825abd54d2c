"""What somebody asked for, and how it stands."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from imagen import costs, failpoints
from imagen.models.image import Image
from imagen.signals import generation_finished, generations_turned
from imagen.states import FINISHED, RETRYABLE, TOLD, UNFINISHED, JobStatus, Status, outcome
from imagen.types import ImageRequest

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from imagen.models.job import Job


class GenerationQuerySet(models.QuerySet["Generation"]):
    """Questions about generations in the words of the field."""

    def of(self, user: AbstractBaseUser) -> GenerationQuerySet:
        """What this person may see: their own, or all with the permission."""
        if user.has_perm("imagen.view_all"):  # type: ignore[attr-defined]  # AbstractBaseUser leaves permissions to its mixin
            return self
        return self.filter(user=user.pk)

    def standing(self) -> GenerationQuerySet:
        """Generations nobody deleted."""
        return self.filter(deleted_at=None)

    def unfinished(self) -> GenerationQuerySet:
        """Generations something may still happen to by itself, or by a person."""
        return self.filter(status__in=UNFINISHED)

    def locked(self, pks: Collection[uuid.UUID]) -> dict[uuid.UUID, Generation]:
        """These rows, locked in one order for everybody; new rows may still refer to them."""
        rows = self.filter(pk__in=pks).order_by("pk").select_for_update(no_key=True)
        return {generation.pk: generation for generation in rows} if pks else {}

    def refresh_outcomes(self, pks: Collection[uuid.UUID]) -> None:
        """Bring status, cost and reason of these in line with their jobs, in the jobs' transaction."""
        self.take_stock(self.locked(pks))

    def take_stock(self, generations: Mapping[uuid.UUID, Generation], *, changed: Collection[uuid.UUID] = ()) -> None:
        """The same for rows that are ``locked`` already: who counts before, counts what another is about to change.

        ``changed`` names those whose version has to count up in any case.
        """
        if not generations:
            return
        jobs, images = _jobs(list(generations)), _images(list(generations))
        alike, now, turned = defaultdict(list), timezone.now(), []
        for pk, generation in generations.items():
            news = generation.take_stock(jobs[pk], images=images.get(pk, 0), now=now)
            if news or pk in changed:
                generation.version += 1
                alike[tuple(news.items())].append(pk)
            if news.get("status") in TOLD:
                turned.append(generation)
        for changes, found in alike.items():
            self.model.objects.filter(pk__in=found).update(**dict(changes), version=F("version") + 1)
        if turned:
            generations_turned.send(self.model, generations=turned)


def _images(pks: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    found = Image.objects.filter(generation__in=pks).order_by().values_list("generation")
    return dict(found.annotate(models.Count("pk")))


def _jobs(pks: Collection[uuid.UUID]) -> dict[uuid.UUID, list[Job]]:
    from imagen.models.job import Job  # noqa: PLC0415  # the two rows know each other

    found: dict[uuid.UUID, list[Job]] = defaultdict(list)
    for job in Job.objects.filter(generation__in=pks):
        found[job.generation_id].append(job)
    return found


class Generation(models.Model):
    """One request for pictures; its jobs are the calls that make them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("person")
    )
    prompt = models.TextField(_("description"))
    negative_prompt = models.TextField(_("to avoid"), blank=True, default="")
    model = models.CharField(_("model"), max_length=100)
    provider = models.CharField(_("service"), max_length=50)
    provider_named = models.BooleanField(default=False)
    aspect_ratio = models.CharField(_("shape"), max_length=10, default="1:1")
    resolution = models.CharField(_("resolution"), max_length=5, blank=True, default="")
    num_images = models.PositiveSmallIntegerField(_("number of pictures"), default=1)
    seed = models.PositiveBigIntegerField(_("seed"), null=True)
    output_format = models.CharField(_("format"), max_length=10, blank=True, default="")
    metadata = models.JSONField(default=dict, blank=True)
    status = models.CharField(_("status"), max_length=15, choices=Status.choices, default="queued")
    error_code = models.CharField(_("reason"), max_length=40, blank=True, default="")
    error_note = models.CharField(_("the service's words"), max_length=500, blank=True, default="")
    warnings = models.JSONField(default=list)
    cost_unit = models.CharField(max_length=10, default="USD")
    cost_estimated = models.DecimalField(_("expected cost"), max_digits=12, decimal_places=4, null=True)
    cost_actual = models.DecimalField(_("cost"), max_digits=12, decimal_places=4, null=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(_("asked"), default=timezone.now)
    started_at = models.DateTimeField(_("started"), null=True)
    completed_at = models.DateTimeField(_("finished"), null=True)
    cancel_asked_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    place = models.CharField(_("for the field"), max_length=200, blank=True, default="")
    place_id = models.CharField(max_length=255, blank=True, default="")
    parent = models.ForeignKey("self", models.SET_NULL, null=True, related_name="children", verbose_name=_("made from"))
    batch = models.ForeignKey(
        "imagen.Batch", models.SET_NULL, null=True, related_name="generations", verbose_name=_("batch")
    )
    wording = models.JSONField(default=dict)
    slots = models.JSONField(default=list)  # further shapes its pictures are shown cut to
    unseen = models.BooleanField(default=False)
    webhook_url = models.CharField(max_length=2000, blank=True, default="")

    objects = GenerationQuerySet.as_manager()

    class Meta:
        verbose_name = _("generation")
        verbose_name_plural = _("generations")
        ordering = ("-created_at", "-pk")
        permissions = (
            ("generate", _("Can generate pictures")),
            ("view_all", _("Can see everybody's pictures")),
            ("manage_budget", _("Can manage budgets")),
            ("resolve_unconfirmed", _("Can resolve unconfirmed calls")),
            ("resubmit_unconfirmed", _("Can send unconfirmed calls again")),
        )
        indexes = (
            models.Index(fields=("-created_at", "-id"), name="imagen_gen_newest"),
            models.Index(fields=("status", "-created_at", "-id"), name="imagen_gen_by_status"),
            models.Index(fields=("user", "-created_at", "-id"), name="imagen_gen_by_user"),
            models.Index(fields=("model", "-created_at", "-id"), name="imagen_gen_by_model"),
            models.Index(fields=("provider", "-created_at", "-id"), name="imagen_gen_by_provider"),
            models.Index(
                fields=("place", "place_id", "-created_at"), name="imagen_gen_by_place", condition=~models.Q(place="")
            ),
            models.Index(fields=("user",), name="imagen_gen_unseen", condition=models.Q(unseen=True)),
        )

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {str(self.pk)[:8]}"

    @property
    def request(self) -> ImageRequest:
        """What was asked, as the value everything works with."""
        return ImageRequest(
            prompt=self.prompt,
            negative_prompt=self.negative_prompt,
            model=self.model,
            provider=self.provider,
            aspect_ratio=self.aspect_ratio,
            resolution=self.resolution or None,
            num_images=self.num_images,
            seed=self.seed,
            output_format=self.output_format or None,
        )

    @property
    def own_words(self) -> str:
        """What the person wrote, without what a style and the house added."""
        return str(self.wording.get("own") or self.prompt)

    @property
    def finished(self) -> bool:
        """Whether nothing of it is under way any more."""
        return self.status in FINISHED

    @property
    def retryable(self) -> bool:
        """Whether asking again would make sense."""
        return self.status in RETRYABLE and self.deleted_at is None

    @property
    def cancelable(self) -> bool:
        """Whether cancelling would still change or note something."""
        return self.status in (Status.QUEUED, Status.PROCESSING) and self.cancel_asked_at is None

    def take_stock(self, jobs: list[Job], *, images: int, now: datetime) -> dict[str, Any]:
        """Come in line with its jobs and return what to write; its end is announced after the commit."""
        replaced = {job.replaces_id for job in jobs}
        standing = [job for job in jobs if job.pk not in replaced]
        status = outcome((JobStatus(job.status) for job in standing), images=images, asked=self.num_images)
        if status in FINISHED and self.status not in FINISHED:
            transaction.on_commit(lambda: _announce(self), robust=True)
        code, note = _reason(status, standing)
        news = {
            "status": status,
            "error_code": code,
            "error_note": note,
            "cost_actual": costs.spent(jobs, into=costs.currency(self.provider, self.cost_unit)),
            "started_at": _first(job.accepted_at for job in jobs),
            "completed_at": (self.completed_at or now) if status in FINISHED else None,
        }
        changes = {name: value for name, value in news.items() if getattr(self, name) != value}
        vars(self).update(changes)
        return changes

    def save_changes(self, **changes: Any) -> None:
        """Write these fields and count the version up, so that readers notice."""
        for name, value in changes.items():
            setattr(self, name, value)
        self.version += 1
        Generation.objects.filter(pk=self.pk).update(**changes, version=F("version") + 1)

    def warn(self, *codes: str) -> None:
        """Add warnings, each once."""
        if new := [code for code in codes if code not in self.warnings]:
            self.save_changes(warnings=[*self.warnings, *new])


def _announce(generation: Generation) -> None:
    failpoints.reach("announcing")
    generation_finished.send_robust(Generation, generation=generation)


def _first(times: Any) -> datetime | None:
    return min((time for time in times if time), default=None)


def _reason(status: Status, jobs: list[Job]) -> tuple[str, str]:
    if status in (Status.COMPLETED, Status.CANCELED):
        return "", ""
    if status is Status.PARTIAL:
        return "partial_outputs", _note(jobs)
    if status is Status.UNCONFIRMED:
        return "submit_unknown", ""
    told = next((job for job in jobs if job.error_code), None)
    return (told.error_code, told.error_note) if told else ("", "")


def _note(jobs: list[Job]) -> str:
    return next((job.error_note for job in jobs if job.error_note), "")

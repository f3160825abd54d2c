"""The paid calls, and the one door through which their status changes."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import models, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from imagen import costs, failpoints
from imagen.exceptions import TransitionError
from imagen.models.anomaly import Anomaly
from imagen.models.clock import database_now
from imagen.models.erasure import Erasure
from imagen.models.event import Event
from imagen.models.generation import Generation
from imagen.models.image import Image
from imagen.models.ledger import Entry
from imagen.models.money import MoneyField
from imagen.models.move import Move, Stand, change_of, changes_of, event_of, fits, telling, unless_it_rang, weighty
from imagen.offers import Offer
from imagen.signals import image_stored
from imagen.states import FINAL, JobStatus
from imagen.types import ImageRequest


class JobQuerySet(models.QuerySet["Job"]):
    """Questions about jobs, and the compare-and-swap that moves them."""

    def due(self) -> JobQuerySet:
        """Jobs whose time has come; a living worker keeps pushing that time ahead."""
        return self.filter(due_at__lte=database_now())

    def free(self) -> JobQuerySet:
        """Jobs somebody has to look at some time, and that no worker holds."""
        return self.filter(due_at__isnull=False, holder="")

    def hold(self, fences: Mapping[uuid.UUID, int], *, seconds: float) -> None:
        """Push the time of these ahead, as far as they are still held under these fences."""
        until, by_fence = database_now() + timedelta(seconds=seconds), defaultdict(list)
        for pk, fence in fences.items():
            by_fence[fence].append(pk)
        for fence, pks in by_fence.items():
            held = self.filter(pk__in=pks, fence=fence, due_at__isnull=False).exclude(holder="")
            held.update(due_at=until)

    def release(self, waits: Mapping[uuid.UUID, tuple[int, float]]) -> None:
        """Let go of these: (fence, seconds until the next look) by id; none when it rang meanwhile."""
        with transaction.atomic():
            now = database_now()
            for pk, (fence, wait) in waits.items():
                mine = self.filter(pk=pk, fence=fence, due_at__isnull=False)
                due = models.Case(models.When(heard=True, then=now), default=now + timedelta(seconds=wait))
                mine.update(due_at=due, holder="")

    def move(self, moves: Sequence[Move]) -> set[uuid.UUID]:
        """Make these steps in one transaction and return the jobs that took theirs; the others were not ours."""
        with transaction.atomic():
            now = database_now()
            steps = self._possible(moves)
            written = self._write(steps, now)
            Event.objects.bulk_create([event_of(move, now) for move, before in steps if telling(move, before)])
            self._account([move for move, before in steps if weighty(move, before)])
            _remark([move for move, _ in steps if move.odd])
            Entry.objects.post([change_of(move, before, now) for move, before in steps], at=now)
            _reach(steps, "written")
        _reach(steps, "committed")
        for job, changes in written:  # only now: what was rolled back is tried again from where it stood
            vars(job).update(changes)
        return {move.job.pk for move, _ in steps}

    def _possible(self, moves: Sequence[Move]) -> list[tuple[Move, Stand]]:
        """Those whose jobs still stand where the step begins, under the fence it was decided under; they are locked."""
        rows = self.model.objects.filter(pk__in=[move.job.pk for move in moves]).order_by("pk")
        stands = {pk: Stand(*stand) for pk, *stand in rows.select_for_update().values_list("pk", *Stand._fields)}
        asked = [(move, stands.pop(move.job.pk, Stand())) for move in moves]
        found = [(unless_it_rang(move, stand), stand) for move, stand in asked]
        return [(move, stand) for move, stand in found if fits(move, stand)]

    def _write(self, steps: Sequence[tuple[Move, Stand]], now: datetime) -> list[tuple[Job, dict[str, Any]]]:
        """Write them down and return what changed; jobs that change alike share a statement."""
        alike = defaultdict(list)
        for move, before in steps:
            alike[tuple(changes_of(move, before, now).items())].append(move.job)
        for changes, jobs in alike.items():
            self.model.objects.filter(pk__in=[job.pk for job in jobs]).update(**dict(changes))
        return [(job, dict(changes)) for changes, jobs in alike.items() for job in jobs]

    def _account(self, moves: Sequence[Move]) -> None:
        """Pictures, warnings and standing of their generations; jobs are locked before generations, everywhere."""
        generations = Generation.objects.locked({move.job.generation_id for move in moves})
        gone = {pk for pk, generation in generations.items() if generation.deleted_at}
        self._keep([image for move in moves for image in move.images], gone)
        for move in moves:
            generations[move.job.generation_id].warn(*move.warnings)
        changed = {move.job.generation_id for move in moves if move.images}
        Generation.objects.take_stock(generations, changed=changed)

    def _keep(self, images: list[Image], gone: set[uuid.UUID]) -> None:
        """Rows for these pictures; those of a deleted generation go straight away again."""
        Erasure.objects.bulk_create(
            [Erasure(name=name) for image in images if image.generation_id in gone for name in image.files]
        )
        kept = [image for image in images if image.generation_id not in gone]
        Image.objects.bulk_create(kept, ignore_conflicts=True)
        for image in kept:
            transaction.on_commit(lambda image=image: image_stored.send_robust(Image, image=image), robust=True)  # type: ignore[misc]  # mypy cannot infer a lambda with a default


class Job(models.Model):
    """One paid call to one provider. Its id is the idempotency key; ``slots`` are the places it fills.

    ``stake`` counts in the budgets' windows ``purses`` until the provider accepts it; ``rate`` converts its own cost.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    generation = models.ForeignKey(Generation, models.CASCADE, related_name="jobs", verbose_name=_("request"))
    replaces = models.OneToOneField("self", models.SET_NULL, null=True, related_name="replacement")
    provider = models.CharField(_("service"), max_length=50)
    provider_model = models.CharField(_("model there"), max_length=150)
    slots = models.JSONField(default=list)
    status = models.CharField(_("status"), max_length=15, choices=JobStatus.choices, default="queued")
    remote_id = models.CharField(_("id there"), max_length=255, blank=True, default="")
    due_at = models.DateTimeField(_("next look"), null=True, default=timezone.now)
    holder = models.CharField(max_length=150, blank=True, default="")
    fence = models.PositiveIntegerField(default=0)
    heard = models.BooleanField(default=False)
    account = models.CharField(max_length=16, blank=True, default="")
    tries = models.PositiveSmallIntegerField(default=0)
    decodes = models.CharField(max_length=20, blank=True, default="")  # a digit per decoding that nobody saw the end of
    error_code = models.CharField(_("reason"), max_length=40, blank=True, default="")
    error_note = models.CharField(_("the service's words"), max_length=500, blank=True, default="")
    answer = models.TextField(_("the answer nobody understood"), blank=True, default="")
    stake = MoneyField(_("set aside"), default=0)
    stake_unit = models.CharField(max_length=3, default="USD")
    rate = models.DecimalField(max_digits=20, decimal_places=10, null=True)
    purses = models.JSONField(default=list)
    price = models.DecimalField(_("expected cost"), max_digits=12, decimal_places=4, null=True)
    cost = models.DecimalField(_("cost"), max_digits=12, decimal_places=4, null=True)
    cost_unit = models.CharField(max_length=10, default="USD")
    terms = models.JSONField(default=dict)
    created_at = models.DateTimeField(_("made"), default=timezone.now)
    sent_at = models.DateTimeField(_("sent"), null=True)
    accepted_at = models.DateTimeField(_("accepted"), null=True)
    fetch_asked_at = models.DateTimeField(null=True)  # a person had its gateway asked once more, after it failed

    objects = JobQuerySet.as_manager()

    late: float = 0.0  # seconds it was due before the claim that brought this object
    orphaned: bool = False  # whether the worker before had not let go of it

    class Meta:
        verbose_name = _("call")
        verbose_name_plural = _("calls")
        ordering = ("created_at", "pk")
        default_permissions = ("view",)
        indexes = (
            models.Index(fields=("due_at",), name="imagen_job_due", condition=models.Q(due_at__isnull=False)),
            models.Index(fields=("provider", "sent_at"), name="imagen_job_pace"),
            models.Index(
                fields=("provider", "status"),
                name="imagen_job_working",
                condition=~models.Q(status__in=sorted(FINAL)),
            ),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("provider", "remote_id"), name="imagen_job_one_remote", condition=~models.Q(remote_id="")
            ),
        )

    def __str__(self) -> str:
        return f"{self.provider} {self.pk}"

    @property
    def request(self) -> ImageRequest:
        """The part of the generation's request that this call makes."""
        return ImageRequest(**{**self.generation.request.asdict(), "num_images": len(self.slots)})

    @classmethod
    def of(cls, generation: Generation, *, offer: Offer, provider: str, slots: list[int]) -> Job:
        """A new, unsaved call for these places, priced as the offer stands now."""
        bill = costs.bill(provider, offer.price, len(slots))
        return cls(
            stake=bill.stake,
            stake_unit=bill.stake_unit,
            rate=bill.rate,
            generation=generation,
            provider=provider,
            provider_model=offer.id,
            slots=slots,
            price=offer.cost(len(slots)),
            cost_unit=offer.price.unit,
            terms=_terms(offer),
            due_at=Now(),  # the database's clock: a host that is ahead would let it wait
        )

    def move(self, to: JobStatus, **step: Any) -> None:
        """Make one step now, or raise ``TransitionError`` when the row is not ours or not there any more."""
        if not Job.objects.move([Move(job=self, to=to, **step)]):
            raise TransitionError(f"{self.pk} cannot become {to}")


def _remark(moves: Sequence[Move]) -> None:
    for move in moves:
        for odd in move.odd:
            Anomaly.objects.note(odd, job=move.job)


def _reach(steps: Sequence[tuple[Move, Stand]], how: str) -> None:
    for move, _before in steps:
        failpoints.reach(f"{move.to} {how}")


def _terms(offer: Offer) -> dict[str, Any]:
    amount: Decimal | None = offer.price.amount
    return {
        "price": None if amount is None else str(amount),
        "unit": offer.price.unit,
        "images_per_call": offer.images_per_call,
        "poll_seconds": offer.poll_seconds,
        "retired_upstream_on": offer.retired_upstream_on and offer.retired_upstream_on.isoformat(),
        "successor": offer.successor,
    }

"""Webhooks out: where somebody wants to be told, and every message that goes there until it has arrived."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from imagen.models.generation import Generation
from imagen.states import Status

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

KEPT = timedelta(days=30)  # a message that is over


class Happening(models.TextChoices):
    """What an endpoint may be told of."""

    COMPLETED = "generation.completed", _("all pictures are ready")
    PARTIAL = "generation.partial", _("some pictures are ready")
    FAILED = "generation.failed", _("a request failed")
    CANCELED = "generation.canceled", _("a request was cancelled")
    NEEDS_REVIEW = "generation.needs_review", _("a call was not confirmed")


HAPPENINGS = {
    Status.COMPLETED: Happening.COMPLETED,
    Status.PARTIAL: Happening.PARTIAL,
    Status.FAILED: Happening.FAILED,
    Status.CANCELED: Happening.CANCELED,
    Status.UNCONFIRMED: Happening.NEEDS_REVIEW,
}


class EndpointState(models.TextChoices):
    """Whether an endpoint is told anything."""

    PENDING = "pending", _("waits for the answer to our ping")
    ACTIVE = "active", _("active")
    DISABLED = "disabled", _("switched off")


class EndpointReason(models.TextChoices):
    """Why an endpoint is switched off."""

    NONE = "", _("–")
    GONE = "gone", _("it answered that it is gone")
    FAILING = "failing", _("it did not answer for too long")
    BY_HAND = "by_hand", _("somebody switched it off")


class DeliveryKind(models.TextChoices):
    """Why a message is sent."""

    EVENT = "event", _("event")
    PING = "ping", _("ping")
    TEST = "test", _("test")


class DeliveryStatus(models.TextChoices):
    """Where a message is."""

    WAITING = "waiting", _("waiting")
    SENDING = "sending", _("being sent")
    DELIVERED = "delivered", _("delivered")
    FAILED = "failed", _("given up")
    CANCELED = "canceled", _("cancelled")


class DeliveryError(models.TextChoices):
    """Why the last try brought no success, or why there is none any more."""

    NONE = "", _("–")
    ANSWERED = "answered", _("it answered with an error")
    REDIRECTED = "redirected", _("it sent us elsewhere")
    GONE = "gone", _("it answered that it is gone")
    TIMEOUT = "timeout", _("it did not answer in time")
    UNREACHABLE = "unreachable", _("it could not be reached")
    ADDRESS_REFUSED = "address_refused", _("its address is not one we may send to")
    UNSIGNABLE = "unsignable", _("its secret could not be read")
    ENDPOINT_DISABLED = "endpoint_disabled", _("the endpoint was switched off")
    ERASED = "erased", _("the request was deleted")


OVER = (DeliveryStatus.DELIVERED, DeliveryStatus.FAILED, DeliveryStatus.CANCELED)
UNDER_WAY = (DeliveryStatus.WAITING, DeliveryStatus.SENDING)


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    """Questions about endpoints in the words of the field."""

    def of(self, user: AbstractBaseUser) -> EndpointQuerySet:
        """This person's own."""
        return self.filter(user=user.pk)

    def active(self) -> EndpointQuerySet:
        """Those that are told of what happens."""
        return self.filter(state=EndpointState.ACTIVE)

    def listening(self) -> EndpointQuerySet:
        """Those whose messages are written down: the active, and those that once answered and are asked again."""
        return self.filter(Q(state=EndpointState.ACTIVE) | Q(state=EndpointState.PENDING, verified_at__isnull=False))


class Endpoint(models.Model):
    """One address of one person; ``secret`` and ``previous_secret`` are ciphertext, ``last4`` is for people."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("person"))
    name = models.CharField(_("name"), max_length=100, blank=True, default="")
    url = models.CharField(_("address"), max_length=2000)
    events = models.JSONField(_("told of"), default=list)
    include_prompt = models.BooleanField(_("with the description"), default=False)
    secret = models.TextField(editable=False)
    previous_secret = models.TextField(editable=False, blank=True, default="")
    last4 = models.CharField(_("secret ends with"), max_length=4)
    rotated_at = models.DateTimeField(_("secret changed"), null=True)
    state = models.CharField(_("state"), max_length=10, choices=EndpointState.choices, default="pending")
    reason = models.CharField(_("reason"), max_length=10, choices=EndpointReason.choices, blank=True, default="")
    verified_at = models.DateTimeField(_("answered our ping"), null=True)
    failing_since = models.DateTimeField(_("failing since"), null=True)
    created_at = models.DateTimeField(_("made"), default=timezone.now)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook endpoint")
        verbose_name_plural = _("webhook endpoints")
        ordering = ("-created_at", "-pk")
        indexes = (models.Index(fields=("user", "state"), name="imagen_endpoint_of"),)

    def __str__(self) -> str:
        return self.name or self.url


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Questions about messages in the words of the field."""

    def of(self, user: AbstractBaseUser) -> DeliveryQuerySet:
        """Messages to this person's own endpoints."""
        return self.filter(endpoint__user=user.pk)

    def sendable(self) -> DeliveryQuerySet:
        """Messages that somebody has to send some time: an endpoint that has not answered yet gets pings only."""
        return self.filter(Q(endpoint__state=EndpointState.ACTIVE) | Q(kind=DeliveryKind.PING), due_at__isnull=False)

    def under_way(self) -> DeliveryQuerySet:
        """Messages that are not over."""
        return self.filter(status__in=UNDER_WAY)

    def served(self) -> DeliveryQuerySet:
        """Those that are over and were kept long enough."""
        return self.filter(status__in=OVER, created_at__lt=timezone.now() - KEPT)

    def call_off(self, error: DeliveryError) -> int:
        """Cancel what is not over; a try under way notices by its fence."""
        facts = {"status": DeliveryStatus.CANCELED, "due_at": None, "last_error": error}
        return self.under_way().update(fence=F("fence") + 1, **facts)

    def erase(self) -> None:
        """Nothing of these is sent any more, and nothing of what they said is kept."""
        self.update(body="", url="")  # first: what is sent again just now finds nothing to say, or is called off
        self.call_off(DeliveryError.ERASED)


class Delivery(models.Model):
    """One message: the same id and the same bytes at every try, until it has arrived or is given up.

    ``due_at`` is the next try while it waits, the end of the lease while it is sent, and empty when it is over.
    ``tries`` counts those that had an end. ``url`` is the request's own address; without one it goes to the endpoint's.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    endpoint = models.ForeignKey(Endpoint, models.CASCADE, related_name="deliveries", verbose_name=_("endpoint"))
    kind = models.CharField(_("kind"), max_length=5, choices=DeliveryKind.choices, default="event")
    event = models.CharField(_("event"), max_length=40)
    webhook_id = models.CharField(_("id"), max_length=64, unique=True)
    generation = models.ForeignKey(
        Generation, models.CASCADE, null=True, related_name="deliveries", verbose_name=_("request")
    )
    url = models.CharField(_("address of the request"), max_length=2000, blank=True, default="")
    body = models.TextField(editable=False)
    status = models.CharField(_("status"), max_length=10, choices=DeliveryStatus.choices, default="waiting")
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    due_at = models.DateTimeField(_("next try"), null=True)
    fence = models.PositiveIntegerField(default=0)
    last_code = models.PositiveSmallIntegerField(_("last answer"), null=True)
    last_error = models.CharField(_("reason"), max_length=20, choices=DeliveryError.choices, blank=True, default="")
    created_at = models.DateTimeField(_("made"), default=timezone.now)
    delivered_at = models.DateTimeField(_("delivered"), null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        ordering = ("-created_at", "-pk")
        default_permissions = ("view",)
        indexes = (
            models.Index(fields=("due_at",), name="imagen_delivery_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=("endpoint", "-created_at", "-id"), name="imagen_delivery_newest"),
        )

    def __str__(self) -> str:
        return f"{self.event} {self.webhook_id}"

    @property
    def address(self) -> str:
        """Where it goes."""
        return self.url or self.endpoint.url

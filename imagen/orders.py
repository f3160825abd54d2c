"""What a request comes to before anything is written, and how requests are written down: all of them, or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from imagen import claims, costs, hiring, registry, rules, webhooks
from imagen.costs import Bill
from imagen.models import Batch, Event, Generation
from imagen.origin import Origin
from imagen.types import ImageRequest, checked_metadata

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

NOWHERE = Origin()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A request that can be taken: who makes it, and for how much."""

    whole: ImageRequest
    choice: registry.Choice
    bill: Bill
    metadata: dict[str, Any]
    provider_named: bool
    webhook_url: str

    @classmethod
    def of(
        cls,
        *,
        user: AbstractBaseUser | None = None,
        metadata: dict[str, Any] | None = None,
        webhook_url: str = "",
        closed: hiring.Closed = claims.closed_now,
        address: Callable[[Any, str], str] = webhooks.own_address,
        **options: Any,
    ) -> Order:
        """The order these options make for this person, or ``Refused``."""
        asked = allowed(options)
        metadata = checked_metadata({} if metadata is None else metadata)
        told_at = address(user, webhook_url) if webhook_url else ""
        choice = hiring.route(asked, closed=closed)
        whole = choice.offer.settle(asked)
        bill = costs.bill(choice.alias, choice.offer.price, whole.num_images)
        return cls(
            whole=whole,
            choice=choice,
            bill=bill,
            metadata=metadata,
            provider_named=registry.pinned(asked),
            webhook_url=told_at,
        )

    def row(self, **facts: Any) -> Generation:
        """Its generation, unsaved."""
        unsaid = {"resolution": self.whole.resolution or "", "output_format": self.whole.output_format or ""}
        return Generation(
            **{**self.whole.asdict(), **unsaid, "provider": self.choice.alias},
            provider_named=self.provider_named,
            metadata=self.metadata,
            webhook_url=self.webhook_url,
            warnings=list(hiring.warnings(self.choice.offer)),
            cost_unit=self.bill.unit,
            cost_estimated=self.bill.amount,
            **facts,
        )


def allowed(options: dict[str, Any]) -> ImageRequest:
    """The request these options describe, as far as the rules of the site let it be asked."""
    asked = ImageRequest.build(**options)
    rules.check(asked.prompt)
    return asked


def write(
    orders: Sequence[Order],
    *,
    user: AbstractBaseUser | None,
    origin: Origin = NOWHERE,
    batch: Batch | None = None,
) -> list[Generation]:
    """The rows of these orders, their money set aside; call it in a transaction, which ``BudgetExceeded`` ends.

    Each is dated a microsecond after the one before, so that lists keep their order.
    """
    now, actor = timezone.now(), user.pk if user else None
    facts = {"user_id": actor, "batch": batch, **origin.columns()}
    rows = [
        order.row(created_at=now + timedelta(microseconds=number), **facts)
        for number, order in enumerate(orders)
    ]  # fmt: skip
    Generation.objects.bulk_create(rows)
    calls = (
        hiring.calls(row, order.choice, range(order.whole.num_images))
        for row, order in zip(rows, orders, strict=True)
    )  # fmt: skip
    hiring.engage([job for jobs in calls for job in jobs], user)
    Event.objects.bulk_create([Event(generation=row, what="asked", actor_id=actor) for row in rows])
    return rows

"""Many requests at once: all of them are taken and paid for, or none."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import transaction

from imagen import claims, failpoints, orders, outages, pipeline, progress, queue, webhooks
from imagen.exceptions import Conflict, FieldError, InvalidRequest, Refused
from imagen.messages import http_status
from imagen.models import Batch, Generation
from imagen.orders import Order
from imagen.states import Status
from imagen.types import checked_metadata

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

MOST = 100
_BAD = 400
Found = TypeVar("Found")
logger = logging.getLogger("imagen")


@outages.begun_again
def request_many(
    requests: Sequence[Mapping[str, Any]],
    *,
    user: AbstractBaseUser | None = None,
    metadata: dict[str, Any] | None = None,
) -> Batch:
    """Take all of these requests and return their batch at once; each is what ``pipeline.request`` takes.

    Raises ``InvalidRequest``, which names ``requests[3].prompt``, or ``BudgetExceeded`` for all of them together; then
    nothing is written and nothing set aside.
    """
    counted(requests)
    metadata = checked_metadata({} if metadata is None else metadata)
    closed, address = cache(claims.closed_now), cache(webhooks.own_address)  # looked up once for all of them
    taken = each(requests, lambda options: Order.of(user=user, closed=closed, address=address, **options))
    with transaction.atomic():
        batch = Batch.objects.create(user_id=user.pk if user else None, metadata=metadata, total=len(taken))
        orders.write(taken, user=user, batch=batch)
        failpoints.reach("batch written")
    failpoints.reach("batch committed")
    logger.info("a batch of %s requests was taken: %s", len(taken), batch.pk)
    queue.ring()
    return batch


def counted(requests: Any, *, most: float = MOST) -> int:
    """How many requests these are, or ``InvalidRequest`` when they are no list, or too many or too few."""
    if not isinstance(requests, list | tuple):
        raise InvalidRequest(errors=(FieldError(field="requests", code="not_a_list"),))
    if not 1 <= len(requests) <= (most := min(most, MOST)):
        bounds = {"low": 1, "high": most}
        raise InvalidRequest(errors=(FieldError(field="requests", code="wrong_number", params=bounds),))
    return len(requests)


def each(requests: Iterable[Any], read: Callable[[Any], Found]) -> list[Found]:
    """What ``read`` makes of each request, or one ``InvalidRequest`` with what is wrong with any of them.

    What is refused for another reason than its fields is refused for all at once.
    """
    found: list[Found] = []
    errors: list[FieldError] = []
    for number, asked in enumerate(requests):
        try:
            found.append(read(asked))
        except Refused as refused:
            inside = tuple(_inside(number, refused))
            if http_status(refused.code) != _BAD:
                raise Refused(code=refused.code, errors=inside, **refused.params) from refused
            errors += inside
    if errors:
        raise InvalidRequest(errors=tuple(errors))
    return found


def _inside(number: int, refused: Refused) -> Iterator[FieldError]:
    where = f"requests[{number}]"
    for error in refused.errors:
        yield replace(error, field=f"{where}.{error.field}" if error.field else where)


def cancel(batch: Batch, *, actor: AbstractBaseUser | None = None) -> None:
    """Stop whatever of it was not sent yet, as ``pipeline.cancel`` does; ``Conflict`` when there is nothing to stop."""
    if not sum(_canceled(generation, actor) for generation in _under_way(batch)):
        raise Conflict(state=progress.of([batch])[batch.pk].status.label)


def _under_way(batch: Batch) -> list[Generation]:
    rows = batch.generations.filter(status__in=(Status.QUEUED, Status.PROCESSING), deleted_at=None)
    return list(rows.filter(cancel_asked_at=None).order_by("created_at"))


def _canceled(generation: Generation, actor: AbstractBaseUser | None) -> bool:
    with suppress(Conflict):  # it was finished a moment ago
        pipeline.cancel(generation, actor=actor)
        return True
    return False

"""What costs money and can be done with requests: whom it fits, what it would cost, and the doing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imagen import budgets, claims, kept, pipeline, spending
from imagen.admin import shown, words
from imagen.admin.plea import more
from imagen.admin.previews import previews
from imagen.budgets import Allowance
from imagen.costs import Bill
from imagen.exceptions import Conflict, Refused
from imagen.hiring import Closed
from imagen.messages import answer, field_sentence, sentence
from imagen.models import Generation


def may_act(user: Any, generation: Generation) -> bool:
    """Whether this person may stop or repeat this request: their own, or anybody's with the permission."""
    return generation.user_id == user.pk or bool(user.has_perm("imagen.change_generation"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that costs money: its words, whom it fits, how many pictures it buys, how it is done.

    ``free`` says what of it costs nothing, for it was paid before.
    """

    name: str
    title: Any
    button: Any
    fits: Callable[[Generation, Any], bool]
    missing: Callable[[Generation], int]
    bill: Callable[[Generation, int, Closed], Bill]
    payer: Callable[[Generation, Any], Any]
    do: Callable[[Generation, Any], Generation]
    free: Callable[[Generation], str] = lambda generation: ""


def same(generation: Generation) -> dict[str, Any]:
    """The options of the same request; a service is named only where it was."""
    provider = generation.provider if generation.provider_named else ""
    return {**generation.request.asdict(), "provider": provider}


def _again(generation: Generation, user: Any) -> Generation:
    return pipeline.request(user=user, metadata=generation.metadata, **same(generation))


def to_buy(generation: Generation) -> int:
    """How many of its pictures only a new call can bring."""
    return len(kept.of(generation).to_buy)


def _again_possible(generation: Generation, user: Any) -> bool:
    found = kept.of(generation)
    return bool(found.to_buy or found.free) and may_act(user, generation)


RETRY = Deed(
    name="retry",
    title=gettext_lazy("Try again what failed"),
    button=gettext_lazy("Try again"),
    fits=_again_possible,
    missing=to_buy,
    free=spending.free_again,
    bill=lambda generation, count, closed: pipeline.bill_again(generation, images=count, closed=closed),
    payer=lambda generation, user: generation.user,
    do=lambda generation, user: pipeline.retry(generation, actor=user),
)
AGAIN = Deed(
    name="again",
    title=gettext_lazy("Generate again like this"),
    button=gettext_lazy("Generate again"),
    fits=lambda generation, user: True,
    missing=lambda generation: generation.num_images,
    bill=lambda generation, count, closed: pipeline.bill(**{**same(generation), "num_images": count}, closed=closed),
    payer=lambda generation, user: user,
    do=_again,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One chosen request on the page that asks for confirmation; ``problem`` says why it stays as it is."""

    generation: Generation
    images: str = ""
    count: int = 0
    bill: Bill | None = None
    problem: str = ""
    more: str = ""
    free: str = ""

    @property
    def price(self) -> str:
        """Its price in words."""
        if self.bill is None:
            return _("free") if self.free else ""
        return f"{words.pictures(self.count)} · {spending.tag(self.bill)}"

    @property
    def amount(self) -> tuple[Decimal | None, str]:
        """The same as it is added up."""
        return (self.bill.amount, self.bill.unit) if self.bill else (Decimal(0), self.generation.cost_unit)

    @property
    def name(self) -> str:
        """The beginning of its description."""
        return words.short(self.generation.own_words, most=60)


def weigh(deed: Deed, chosen: QuerySet[Generation], user: Any) -> list[Row]:
    """What the deed would cost for each of these, in as many queries for a page of them as for two."""
    closed, rows = cache(claims.closed_now), chosen.prefetch_related("jobs")
    return [_weighed(deed, generation, user, closed) for generation in rows]


def _weighed(deed: Deed, generation: Generation, user: Any, closed: Closed) -> Row:
    """The same for one, or why it does not fit."""
    images = previews(generation.images.all(), user)
    if not deed.fits(generation, user):
        return Row(generation=generation, images=images, problem=_unfit(deed, generation, user))
    count = deed.missing(generation)
    try:
        bill = deed.bill(generation, count, closed) if count else None
    except Refused as refused:
        return Row(generation=generation, images=images, problem=told(refused))
    return Row(generation=generation, images=images, count=count, bill=bill, free=deed.free(generation))


def _unfit(deed: Deed, generation: Generation, user: Any) -> str:
    """Why there is nothing to do: it is asked for already, or it is as it is."""
    asked = deed.free(generation) if may_act(user, generation) else ""
    return asked or told(Conflict(state=generation.get_status_display()))


def within(rows: Iterable[Row], left: Mapping[Any, Allowance | None], deed: Deed, user: Any) -> Iterator[Row]:
    """The same rows; one that no budget pays for, together with those before it, says so instead."""
    sums: dict[Any, Decimal] = defaultdict(Decimal)
    for row in rows:
        payer = deed.payer(row.generation, user)
        least, stake = left[payer], row.bill.stake if row.bill else Decimal(0)
        if least is None or not stake or sums[payer] + stake <= least.remaining:
            sums[payer] += stake
            yield row
        else:
            needed = sums[payer] + stake
            where = more(needed - least.remaining) if payer == user else ""
            refused = budgets.exceeded(least, needed)
            yield replace(row, problem=sentence(refused.code, **refused.params), more=where)


def told(error: Conflict | Refused) -> str:
    """What an error of the pipeline says to a person."""
    fields = error.errors if isinstance(error, Refused) else ()
    return " ".join([answer(error.code, **error.params), *(field_sentence(e.code, **e.params) for e in fields)])


def prices(rows: Iterable[Row]) -> shown.Prices:
    """Every price together."""
    return shown.tally(row.amount for row in rows if not row.problem)


def done(deed: Deed, queryset: QuerySet[Generation], user: Any) -> dict[str, Any]:
    """Do it for each of these that it fits; what was made, and why the others were left."""
    made, skipped = [], []
    for row in weigh(deed, queryset, user):
        try:
            if row.problem:
                skipped.append(row.problem)
            else:
                made.append(str(deed.do(row.generation, user).pk))
        except (Conflict, Refused) as error:
            skipped.append(told(error))
    return {"made": made, "skipped": skipped}

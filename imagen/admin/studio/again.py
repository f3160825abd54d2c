"""More pictures of a request: what is missing, the same again, or by another service; priced first and done once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from imagen import budgets, news, pipeline, spending
from imagen.admin import once, shown
from imagen.admin.deeds import same, to_buy
from imagen.admin.plea import more
from imagen.exceptions import Conflict, Refused
from imagen.messages import sentence
from imagen.models import Generation
from imagen.origin import Origin
from imagen.pipeline import Quote

Said = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One way to get more pictures: what it costs, ``None`` when it is paid already, and how it is done."""

    quote: Callable[[Generation, Any, Said], Quote | None]
    do: Callable[[Generation, Any, Said], Generation]


def _options(generation: Generation, said: Said) -> dict[str, Any]:
    service = str(said.get("provider", ""))
    return {**same(generation), **({"provider": service} if service else {})}


def _priced(generation: Generation, user: Any, said: Said) -> Quote:
    return pipeline.quote(user=user, **_options(generation, said))


def _ask(generation: Generation, user: Any, said: Said) -> Generation:
    origin = Origin(
        place=generation.place,
        place_id=generation.place_id,
        parent=generation.pk,
        wording=generation.wording,
        slots=tuple(generation.slots),
        unseen=True,
    )
    made = pipeline.request(user=user, metadata=generation.metadata, origin=origin, **_options(generation, said))
    generation.save_changes()  # the next time is another turn
    return made


def _instead(generation: Generation, user: Any, said: Said) -> Generation:
    """By another service: what waits at this one is stopped first, or nothing is asked for twice."""
    with transaction.atomic():
        if not generation.finished:
            generation = pipeline.cancel(generation, actor=user)
        if not generation.finished:
            raise Conflict(state=generation.get_status_display())
        return _ask(generation, user, said)


def _missing(generation: Generation, user: Any, said: Said) -> Quote | None:
    count = to_buy(generation)
    return pipeline.quote_again(generation, images=count) if count else None


def _retry(generation: Generation, user: Any, said: Said) -> Generation:
    generation = pipeline.retry(generation, actor=user)
    news.remember(generation)
    return generation


DEEDS: Mapping[str, Deed] = {
    "retry": Deed(
        quote=_missing,
        do=_retry,
    ),
    "again": Deed(quote=_priced, do=_ask),
    "instead": Deed(quote=_priced, do=_instead),
}


def do(generation: Generation, said: Said, user: Any) -> Generation:
    """Do it at no more than the price that was shown; the second time the same form is sent, nothing is."""
    name = str(said.get("deed", "retry"))
    deed = DEEDS.get(name)
    if deed is None:
        raise Refused
    mark = f"studio {name} {generation.pk} {str(said.get('turn', ''))[:40]}"
    if not once.done(user, mark):
        _check(generation, deed.quote(generation, user, said), said)
    made, _fresh = once.once(user, mark, lambda: str(deed.do(generation, user, said).pk))
    return Generation.objects.get(pk=made)


class Dearer(Refused):
    """The price rose since it was shown: look at it and send again."""


def _check(generation: Generation, quote: Quote | None, said: Said) -> None:
    if text := shown.risen(str(said.get("shown", "")), _prices(generation, quote)):
        raise Dearer(text)


def _prices(generation: Generation, quote: Quote | None) -> shown.Prices:
    return shown.tally([(quote.estimated, quote.unit) if quote else (Decimal(0), generation.cost_unit)])


# --- offering it ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A deed with its price and what its form carries; ``problem`` when no budget pays, ``more`` asks for it."""

    price: str = ""
    fields: Mapping[str, str]
    problem: str = ""
    more: str = ""


def offer(name: str, generation: Generation, user: Any, **said: str) -> Offered | None:
    """This deed for this request with its price; ``None`` when nobody can do it now."""
    try:
        quote = DEEDS[name].quote(generation, user, said)
    except Refused:
        return None
    fields = {"deed": name, "turn": _turn(generation), "shown": shown.written(_prices(generation, quote)), **said}
    if quote is None:
        return Offered(fields=fields, price=_("free"))
    least = quote.allowance
    if least is not None and not quote.allowed:
        refused = budgets.exceeded(least, quote.bill.stake)
        short = quote.bill.stake - least.remaining
        return Offered(fields=fields, problem=sentence(refused.code, **refused.params), more=more(short))
    return Offered(fields=fields, price=spending.tag(quote.bill, counted=least is not None))


def _turn(generation: Generation) -> str:
    """Other after each time it was done: there are more calls then, a worker took one up again, or more grew of it."""
    fences = [job.fence for job in generation.jobs.all()]
    return f"{len(fences)} {sum(fences)} {generation.version}"

"""What is said about a generation's money: the facts decide, and its code may only say the same more exactly."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext as _

from imagen import costs, kept, messages, registry
from imagen.models import Generation
from imagen.states import Status

_PAID = {"yes": "yes", "told": "yes", "kept": "yes", "came": "came"}


def price(amount: Decimal | None, unit: str) -> str:
    """An amount with its unit as people write it, or that nobody knows it."""
    return _("price unknown") if amount is None else messages.money(amount, unit)


def tag(bill: costs.Bill, *, counted: bool = True) -> str:
    """A price before anybody pays it; where it is ``counted`` otherwise in budgets, that too."""
    if bill.amount is not None and not bill.amount:
        return _("free")
    told = _("price unknown") if bill.amount is None else messages.money(bill.amount, bill.unit)
    if not counted or (bill.amount is not None and bill.rate is not None):
        return told
    return _("%(price)s; counts as %(stake)s") % {"price": told, "stake": messages.money(bill.stake, bill.stake_unit)}


def line(generation: Generation, code: str = "") -> str:
    """What was spent, may have been spent, or will be; ``code`` is what is wrong with it."""
    amount, again = generation.cost_actual or generation.cost_estimated, free_again(generation)
    key = _key(generation, code)
    key = "spent" if again and key in ("yes", "came") else key
    told = messages.money_line(key, price=price(amount, generation.cost_unit))
    told = f"{told} {again}".rstrip()
    if not risked(generation):
        return told
    return _("%(told)s An earlier call, never confirmed, may have been charged too.") % {"told": told}


def free_again(generation: Generation) -> str:
    """What of it its gateway still keeps and until when, or that it is being asked; empty where nothing is free."""
    found = kept.of(generation)
    if not (found.waiting or found.free):
        return ""
    how = "asked" if found.waiting else "seen" if found.seen else "untold"
    return messages.kept_line(how, provider=" + ".join(map(registry.label, found.providers)), until=found.until)


def risked(generation: Generation) -> bool:
    """Whether a call was sent again while nobody knew if the first was charged."""
    return any(costs.doubtful(job) for job in generation.jobs.all())


def _key(generation: Generation, code: str) -> str:
    said, paid = messages.spent(code), bool(generation.cost_actual)
    if generation.status == Status.UNCONFIRMED:
        return "also_reserved" if paid else "reserved"
    if not paid and (not generation.started_at or generation.cost_actual is not None):
        return _nothing(generation)
    if not generation.finished:
        return "kept" if said == "kept" else "spent" if paid else "expected"
    return _PAID.get(said, "spent") if paid else "told"


def _nothing(generation: Generation) -> str:
    if risked(generation):
        return "unknown" if generation.finished else "expected"
    return "no" if generation.finished else "so_far"

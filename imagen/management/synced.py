"""What a sync found, in plain words and as a document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from imagen.diagnosis.troubles import trouble
from imagen.differences import Change, Kind
from imagen.listings import Report
from imagen.offers import Price

_SENTENCES: Mapping[Kind, Any] = {
    Kind.NEW: gettext_lazy("%(id)s is new here, for %(model)s: %(new)s"),
    Kind.BACK: gettext_lazy("%(id)s is listed again"),
    Kind.GONE: gettext_lazy("%(id)s is no longer listed by %(provider)s; it stays on sale here, after what is listed"),
    Kind.ABILITIES: gettext_lazy("%(id)s can be asked differently: %(abilities)s"),
    Kind.PRICE: gettext_lazy("%(id)s: %(step)s%(percent)s"),
    Kind.NOT_TAKEN: gettext_lazy("%(id)s: %(step)s is not taken, %(why)s"),
}
_WHY: Mapping[str, Any] = {
    "impossible": gettext_lazy("it cannot be a price"),
    "other_unit": gettext_lazy("it is in another unit"),
    "jump": gettext_lazy("more than ten times as much or less than a tenth is taken for a mistake"),
}


def told(report: Report) -> Iterator[str]:
    """One report as lines: what was read, then each difference."""
    name = f"{report.label} ({report.alias})"
    if report.silent:
        yield _("%(name)s has no list to read.") % {"name": name}
    elif report.error:
        reason = trouble(report.error)
        text = _("%(name)s %(reason)s Its offers stay as they are. %(fix)s")
        yield text % {"name": name, "reason": reason.text, "fix": reason.fix}
    else:
        yield _heading(name, report)
        yield from (f"    {line}" for change in report.changes for line in _lines(report, change))
        yield from (f"    {line}" for line in _unpriced(report))


def _heading(name: str, report: Report) -> str:
    text = ngettext("%(name)s lists %(count)s offer.", "%(name)s lists %(count)s offers.", report.listed)
    rest = "" if report.changes else " " + _("Nothing is different.")
    return text % {"name": name, "count": report.listed} + rest


def _lines(report: Report, change: Change) -> Iterator[str]:
    yield str(_SENTENCES[change.kind]) % {
        "id": change.offer.id,
        "model": change.offer.model,
        "provider": report.label,
        "new": _priced(change.new),
        "step": _step(change),
        "percent": "" if change.percent is None else f" ({change.percent:+.1f} %)",
        "why": _WHY.get(change.why, ""),
        "abilities": ", ".join(change.abilities),
    }
    if change.fixed:
        yield "    " + _("The settings win over this: OFFERS names the price.")
    elif change.kind is Kind.NOT_TAKEN:
        yield "    " + _("If you know better: IMAGEN['OFFERS'] = %(offers)s") % {"offers": _correction(report, change)}


def _correction(report: Report, change: Change) -> dict[str, Any]:
    possible = change.why != "impossible"
    price: Any = str(change.new.amount) if possible else "…"
    if change.why == "other_unit":
        price = {"amount": price, "unit": change.new.unit}
    return {report.alias: {change.offer.id: {"price": price}}}


def _unpriced(report: Report) -> Iterator[str]:
    for code in dict.fromkeys(report.unpriced.values()):
        ids = ", ".join(id_ for id_, reason in report.unpriced.items() if reason == code)
        text = _("Exact price not read, %(provider)s %(reason)s It is about: %(ids)s")
        yield text % {"ids": ids, "provider": report.label, "reason": trouble(code).text}


def _step(change: Change) -> str:
    alike = change.old.amount is not None and change.old.unit == change.new.unit
    return f"{_amount(change.old) if alike else _priced(change.old)} → {_priced(change.new)}"


def _priced(price: Price) -> str:
    if price.amount is None:
        return _("price unknown")
    return _("%(amount)s %(unit)s a picture") % {"amount": _amount(price), "unit": price.unit}


def _amount(price: Price) -> str:
    return f"{price.amount:.4f}" if price.amount is not None and price.amount.is_finite() else str(price.amount)


def document(reports: Iterable[Report], *, dry_run: bool) -> dict[str, Any]:
    """All reports as one JSON object."""
    return {"dry_run": dry_run, "providers": [_document(report) for report in reports]}


def _document(report: Report) -> dict[str, Any]:
    return {
        "provider": report.alias,
        "has_list": not report.silent,
        "error": report.error or None,
        "listed": report.listed,
        "changes": [_change(change) for change in report.changes],
        "unpriced": dict(report.unpriced),
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "kind": str(change.kind),
        "provider_model": change.offer.id,
        "model": change.offer.model,
        "old": _price(change.old),
        "new": _price(change.new),
        "percent": None if change.percent is None else f"{change.percent:.1f}",
        "why": change.why or None,
        "settings_win": change.fixed,
        "abilities": list(change.abilities),
    }


def _price(price: Price) -> dict[str, str | None]:
    return {"amount": None if price.amount is None else str(price.amount), "unit": price.unit}

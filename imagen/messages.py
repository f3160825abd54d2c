"""What a code says to a person, with amounts and times as people here read them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from imagen.sentences import ALARMS, CAME, FIELD_SENTENCES, KEPT, MONEY, OVER, SENTENCES


def money(amount: Decimal, unit: str) -> str:
    """An amount as people read it: two places, none for credits, more only where there is more to say."""
    plain = amount.quantize(Decimal("0.0001")).normalize()
    places = max(0 if unit == "credits" else 2, -int(plain.as_tuple().exponent))
    return f"{number_format(amount, places, use_l10n=True, force_grouping=True)} {unit}"


def listed(*words: object) -> str:
    """Words one after the other, with what the language puts between them."""
    return pgettext("between words", ", ").join(map(str, words))


def day(date: dt.date) -> str:
    """A day as people write it; the first of a month is an ordinal in French, which Django leaves out."""
    told = date_format(date, "DATE_FORMAT")
    ordinal = date.day == 1 and (get_language() or "").startswith("fr")
    return told.replace("1 ", "1er ", 1) if ordinal else told


_MONEY_IS_ASKED = frozenset({402, 500, 503})  # the request was right and something else was in the way


class _Blanks(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "–"


def sentence(code: str, *, over: bool = False, came: bool = False, **params: Any) -> str:
    """What this code says to a person; ``over`` when nobody tries any more, ``came`` when all is there."""
    text = CAME.get(code) if came else over and OVER.get(code)
    return str(text or SENTENCES.get(code, SENTENCES["internal_error"]).text) % _Blanks(params)


def clock(moment: dt.datetime) -> str:
    """The time to the minute as people here read it, with the day unless it is today."""
    there = timezone.localtime(moment)
    return f"{there:%H:%M}" if there.date() == timezone.localdate() else listed(date_format(there), f"{there:%H:%M}")


def kept_line(how: str, *, provider: str, until: dt.datetime | None) -> str:
    """What this key of ``KEPT`` says."""
    return str(KEPT[how]) % {"provider": provider, "until": until and clock(until)}


def money_line(spent: str, *, price: str = "") -> str:
    """What this key of ``MONEY`` says."""
    return str(MONEY[spent]) % {"price": price}


def answer(code: str, **params: Any) -> str:
    """The sentence for who asked and was refused; where they may wonder whether it cost something, that too."""
    told = sentence(code, **params)
    return f"{told} {money_line('no')}" if http_status(code) in _MONEY_IS_ASKED else told


def field_sentence(code: str, **params: Any) -> str:
    """What this code says about a field."""
    return str(FIELD_SENTENCES.get(code, FIELD_SENTENCES["invalid"])) % _Blanks(params)


def alarm(cause: str, **params: Any) -> str:
    """What this cause says to an administrator."""
    return str(ALARMS.get(cause, _("Something went wrong on our side."))) % _Blanks(params)


def next_actions(code: str, *, over: bool = False) -> tuple[str, ...]:
    """What can be done about this code; there is nothing to wait for once it is ``over``."""
    actions = SENTENCES.get(code, SENTENCES["internal_error"]).actions
    return (*(each for each in actions if each != "wait"), "retry") if over and "wait" in actions else actions


def spent(code: str) -> str:
    """What the contract says is spent when this code comes; a key of ``MONEY``, or empty."""
    return SENTENCES[code].spent if code in SENTENCES else ""


def http_status(code: str) -> int:
    """The HTTP status this code has as an answer."""
    return SENTENCES.get(code, SENTENCES["internal_error"]).status or 500


def answerable(code: str) -> bool:
    """Whether a request can be answered with this code."""
    return code in SENTENCES and SENTENCES[code].status > 0

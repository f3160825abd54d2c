"""How a request comes along: a bar on a terminal, one line for each step elsewhere."""

from __future__ import annotations

import time

from django.core.management.base import OutputWrapper
from django.utils.translation import gettext as _

from imagen import presentation, spending
from imagen.models import Generation
from imagen.pipeline import Quote
from imagen.states import Status

WIDTH = 30
CLEAR = "\r\x1b[K"


class Progress:
    """Says each thing once: price, what is left, warnings, steps, why it waits."""

    def __init__(self, out: OutputWrapper) -> None:
        self._out = out
        self._said: set[str] = set()
        self._begun = time.monotonic()
        self._done = 0

    def begin(self, quote: Quote, *, count: int) -> None:
        """Who would make how many pictures at what price, what is left to spend, what else to know beforehand."""
        offer, least = quote.offer, quote.allowance
        facts = {
            "model": offer.model,
            "provider": presentation.provider_label(quote.provider),
            "count": count,
            "price": spending.tag(quote.bill, counted=least is not None),
        }
        self._say(_("%(model)s by %(provider)s, pictures: %(count)s, price: %(price)s") % facts)
        self._say(*([least.told] if least else []))
        for code in quote.warnings:
            retired = offer.retired_upstream_on
            told = presentation.offered(code, alias=quote.provider, retired=retired, successor=offer.successor)
            self._say(told.message)

    def show(self, generation: Generation) -> None:
        """Where it is now, as far as that is news."""
        story = presentation.story(generation)
        self._warn(story)
        self._say(_step(generation))
        if story.error and generation.status in (Status.QUEUED, Status.PROCESSING, Status.PARTIAL):
            self._say(story.error.message)
        if self._out.isatty() and not generation.finished:
            self._out.write(CLEAR + self._bar(presentation.eta(generation)), ending="")
            self._out.flush()

    def end(self) -> None:
        """Take the bar away."""
        if self._out.isatty():
            self._out.write(CLEAR, ending="")

    def _warn(self, story: presentation.Story) -> None:
        self._say(*(warning.message for warning in story.warnings))

    def _say(self, *lines: str) -> None:
        for line in lines:
            if line not in self._said:
                self._said.add(line)
                self.end()
                self._out.write(line)
                self._out.flush()

    def _bar(self, eta: int | None) -> str:
        gone = time.monotonic() - self._begun
        self._done = max(self._done, round(WIDTH * gone / (gone + (eta or 10))))
        left = "" if eta is None else " " + _("about %(seconds)s s") % {"seconds": eta}
        return f"[{'#' * self._done}{'-' * (WIDTH - self._done)}]{left}"


def _step(generation: Generation) -> str:
    if generation.status in (Status.COMPLETED, Status.PARTIAL):
        return _("Saved")
    return generation.get_status_display()

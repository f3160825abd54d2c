"""What can be done with chosen requests; what costs money shows its price first and happens once."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from imagen import budgets, pipeline, spending
from imagen.admin import archive, once, shown, words
from imagen.admin.base import MOST_AT_ONCE, PlainAdmin, viewer
from imagen.admin.plea import more
from imagen.admin.previews import previews
from imagen.budgets import Allowance
from imagen.exceptions import Conflict, Refused
from imagen.messages import answer, field_sentence, sentence
from imagen.models import Generation, Image
from imagen.states import Review


def may_act(user: Any, generation: Generation) -> bool:
    """Whether this person may stop or repeat this request: their own, or anybody's with the permission."""
    return generation.user_id == user.pk or bool(user.has_perm("imagen.change_generation"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that costs money: its words, whom it fits, how many pictures it makes, how it is done."""

    name: str
    title: Any
    button: Any
    fits: Callable[[Generation, Any], bool]
    missing: Callable[[Generation], int]
    quote: Callable[[Generation, int], pipeline.Quote]
    payer: Callable[[Generation, Any], Any]
    do: Callable[[Generation, Any], Generation]


def _same(generation: Generation) -> dict[str, Any]:
    provider = generation.provider if generation.provider_named else ""
    return {**generation.request.asdict(), "provider": provider}


def _again(generation: Generation, user: Any) -> Generation:
    return pipeline.request(user=user, metadata=generation.metadata, **_same(generation))


def _missing(generation: Generation) -> int:
    return generation.num_images - len(generation.images.all())


RETRY = Deed(
    name="retry",
    title=gettext_lazy("Try again what failed"),
    button=gettext_lazy("Try again"),
    fits=lambda generation, user: generation.retryable and _missing(generation) > 0 and may_act(user, generation),
    missing=_missing,
    quote=lambda generation, count: pipeline.quote_again(generation, images=count),
    payer=lambda generation, user: generation.user,
    do=lambda generation, user: pipeline.retry(generation, actor=user),
)
AGAIN = Deed(
    name="again",
    title=gettext_lazy("Generate again like this"),
    button=gettext_lazy("Generate again"),
    fits=lambda generation, user: True,
    missing=lambda generation: generation.num_images,
    quote=lambda generation, count: pipeline.quote(**{**_same(generation), "num_images": count}),
    payer=lambda generation, user: user,
    do=_again,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One chosen request on the page that asks for confirmation; ``problem`` says why it stays as it is."""

    generation: Generation
    images: str = ""
    count: int = 0
    quote: pipeline.Quote | None = None
    problem: str = ""
    more: str = ""

    @property
    def price(self) -> str:
        """Its price in words."""
        return f"{words.pictures(self.count)} · {spending.tag(self.quote.bill)}" if self.quote else ""

    @property
    def name(self) -> str:
        """The beginning of its description."""
        return words.short(self.generation.prompt, most=60)


def weigh(deed: Deed, generation: Generation, user: Any) -> Row:
    """What the deed would cost for this request, or why it does not fit."""
    images = previews(generation.images.all(), user)
    if not deed.fits(generation, user):
        return Row(generation=generation, images=images, problem=told(Conflict(state=generation.get_status_display())))
    count = deed.missing(generation)
    try:
        quote = deed.quote(generation, count)
    except Refused as refused:
        return Row(generation=generation, images=images, problem=told(refused))
    return Row(generation=generation, images=images, count=count, quote=quote)


def within(rows: Iterable[Row], left: Mapping[Any, Allowance | None], deed: Deed, user: Any) -> Iterator[Row]:
    """The same rows; one that no budget pays for, together with those before it, says so instead."""
    sums: dict[Any, Decimal] = defaultdict(Decimal)
    for row in rows:
        payer = deed.payer(row.generation, user)
        least, stake = left[payer], row.quote.bill.stake if row.quote else Decimal(0)
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
    return shown.tally((row.quote.estimated, row.quote.unit) for row in rows if row.quote and not row.problem)


class GenerationActions(PlainAdmin):
    """The four actions on requests."""

    actions = ("retry", "again", "cancel", "download")

    def has_generate_permission(self, request: HttpRequest) -> bool:
        """Whether this person may spend money and stop what they asked for."""
        return bool(viewer(request).has_perm("imagen.generate"))

    @admin.action(description=RETRY.title, permissions=["generate"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Generation]) -> HttpResponse | None:
        """Ask again for what is missing, after showing the price."""
        return self._paid(request, queryset, RETRY)

    @admin.action(description=AGAIN.title, permissions=["generate"])
    def again(self, request: HttpRequest, queryset: QuerySet[Generation]) -> HttpResponse | None:
        """Ask for the same as a new request, after showing the price."""
        return self._paid(request, queryset, AGAIN)

    @admin.action(description=gettext_lazy("Cancel"), permissions=["generate"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Generation]) -> HttpResponse | None:
        """Stop what was not sent yet."""
        skipped: Counter[str] = Counter()
        chosen = list(queryset)
        for generation in chosen:
            try:
                self._cancel(generation, viewer(request))
            except Conflict as conflict:
                skipped[told(conflict)] += 1
        done = len(chosen) - skipped.total()
        text = ngettext("%(count)s request was cancelled.", "%(count)s requests were cancelled.", done)
        self._report(request, text % {"count": done} if done else "", skipped)
        return self._back(request, chosen)

    def _cancel(self, generation: Generation, user: Any) -> None:
        if not may_act(user, generation):
            raise Conflict(state=generation.get_status_display())
        pipeline.cancel(generation, actor=user)

    @admin.action(description=gettext_lazy("Download pictures as zip"), permissions=["view"])
    def download(self, request: HttpRequest, queryset: QuerySet[Generation]) -> Any:
        """Send the pictures as one file."""
        chosen = [generation.pk for generation in queryset]
        images = Image.objects.filter(generation__in=chosen).order_by("generation", "index")
        return zipped(self, request, images)

    def _paid(self, request: HttpRequest, queryset: QuerySet[Generation], deed: Deed) -> HttpResponse | None:
        mark = request.POST.get("mark", "")
        if not once.valid(mark):
            return self._confirm(request, queryset, deed)
        if problem := self._risen(request, queryset, deed):
            self.message_user(request, problem, messages.ERROR)
            return self._confirm(request, queryset, deed)
        result, fresh = once.once(viewer(request), mark, lambda: _done(deed, queryset, viewer(request)))
        if not fresh:
            self.message_user(request, _("This was already done; nothing was asked for twice."), messages.INFO)
        else:
            self._tell(request, result)
        return _opened(result["made"])

    def _risen(self, request: HttpRequest, queryset: QuerySet[Generation], deed: Deed) -> str:
        said, user = request.POST.get("shown", ""), viewer(request)
        if not said or once.done(user, request.POST["mark"]):
            return ""
        return shown.risen(said, prices([weigh(deed, generation, user) for generation in queryset]))

    def _confirm(self, request: HttpRequest, queryset: QuerySet[Generation], deed: Deed) -> HttpResponse | None:
        user = viewer(request)
        weighed = [weigh(deed, generation, user) for generation in queryset]
        left = {payer: budgets.tightest(payer) for payer in {deed.payer(row.generation, user) for row in weighed}}
        rows = list(within(weighed, left, deed, user))
        able = [row for row in rows if not row.problem]
        if not able:
            self._report(request, "", Counter(row.problem for row in rows))
            return self._back(request, [row.generation for row in rows])
        mark, now = request.POST.get("mark", ""), prices(able)
        facts = {"deed": deed, "rows": able, "left": [row for row in rows if row.problem]}
        facts |= {"total": shown.told(now), "shown": shown.written(now), "costs": any(now.values())}
        facts["budgets"] = list(filter(None, left.values()))
        facts |= {"mark": mark if once.valid(mark) else once.token(), "checkbox": ACTION_CHECKBOX_NAME}
        facts |= {"title": deed.title, "opts": self.opts, "media": self.media}
        whole = {**self.admin_site.each_context(request), **facts}
        return TemplateResponse(request, "imagen/admin/confirm.html", whole)

    def _tell(self, request: HttpRequest, result: dict[str, Any]) -> None:
        made = len(result["made"])
        text = ngettext("%(count)s request is on its way.", "%(count)s requests are on their way.", made)
        self._report(request, text % {"count": made} if made else "", Counter(result["skipped"]))

    def _report(self, request: HttpRequest, done: str, skipped: Counter[str]) -> None:
        if done:
            self.message_user(request, done, messages.SUCCESS)
        for reason, count in skipped.items():
            left = ngettext("%(count)s was left as it is.", "%(count)s were left as they are.", count)
            self.message_user(request, f"{left % {'count': count}} {reason}", messages.WARNING)

    def _back(self, request: HttpRequest, chosen: list[Generation]) -> HttpResponse | None:
        return _opened([chosen[0].pk]) if len(chosen) == 1 and request.POST.get("back") == "detail" else None


def _done(deed: Deed, queryset: QuerySet[Generation], user: Any) -> dict[str, Any]:
    made, skipped = [], []
    for row in [weigh(deed, generation, user) for generation in queryset]:
        try:
            if row.problem:
                skipped.append(row.problem)
            else:
                made.append(str(deed.do(row.generation, user).pk))
        except (Conflict, Refused) as error:
            skipped.append(told(error))
    return {"made": made, "skipped": skipped}


def _opened(made: list[str | uuid.UUID]) -> HttpResponse | None:
    if len(made) != 1:
        return None
    return HttpResponseRedirect(reverse("admin:imagen_generation_change", args=made))


def zipped(page: PlainAdmin, request: HttpRequest, images: QuerySet[Image]) -> Any:
    """These pictures as one download, as far as this person may see them and as long as they are not too many."""
    if not viewer(request).has_perm("imagen.review"):
        images = images.exclude(review__in=(Review.HELD, Review.REJECTED))
    chosen = list(images[: MOST_AT_ONCE + 1])
    if len(chosen) > MOST_AT_ONCE:
        text = _("These are more than %(most)s pictures. Choose fewer.") % {"most": MOST_AT_ONCE}
        page.message_user(request, text, messages.WARNING)
        return None
    if not chosen:
        page.message_user(request, _("There is no picture to download."), messages.WARNING)
        return None
    return archive.response(chosen)

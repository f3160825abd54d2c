"""What can be done with chosen requests; what costs money shows its price first and happens once."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from imagen import budgets, pipeline
from imagen.admin import archive, deeds, once, shown
from imagen.admin.base import MOST_AT_ONCE, PlainAdmin, viewer
from imagen.admin.deeds import AGAIN, RETRY, Deed, may_act, prices, told, weigh, within
from imagen.exceptions import Conflict
from imagen.models import Generation, Image
from imagen.states import Review


class GenerationActions(PlainAdmin):
    """The five actions on requests."""

    actions = ("retry", "again", "save_now", "cancel", "download")

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
        done, skipped = self._each(request, queryset, pipeline.cancel)
        text = ngettext("%(count)s request was cancelled.", "%(count)s requests were cancelled.", done)
        self._report(request, text % {"count": done} if done else "", skipped)
        return self._back(request, list(queryset))

    @admin.action(description=gettext_lazy("Save now what could not be saved"), permissions=["generate"])
    def save_now(self, request: HttpRequest, queryset: QuerySet[Generation]) -> HttpResponse | None:
        """Try at once to save what our storage did not take."""
        done, skipped = self._each(request, queryset, pipeline.save_now)
        text = ngettext("It is tried again now.", "%(count)s requests are tried again now.", done)
        self._report(request, text % {"count": done} if done else "", skipped)
        return self._back(request, list(queryset))

    def _each(
        self, request: HttpRequest, queryset: QuerySet[Generation], verb: Callable[..., Any]
    ) -> tuple[int, Counter[str]]:
        """Do it with each of these that are this person's to act on; how many it fitted, and why not the others."""
        user, chosen, skipped = viewer(request), list(queryset), Counter[str]()
        for generation in chosen:
            try:
                if not may_act(user, generation):
                    raise Conflict(state=generation.get_status_display())
                verb(generation, actor=user)
            except Conflict as conflict:
                skipped[told(conflict)] += 1
        return len(chosen) - skipped.total(), skipped

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
        result, fresh = once.once(viewer(request), mark, lambda: deeds.done(deed, queryset, viewer(request)))
        if not fresh:
            self.message_user(request, _("This was already done; nothing was asked for twice."), messages.INFO)
        else:
            self._tell(request, result)
        return _opened(result["made"])

    def _risen(self, request: HttpRequest, queryset: QuerySet[Generation], deed: Deed) -> str:
        said, user = request.POST.get("shown", ""), viewer(request)
        if not said or once.done(user, request.POST["mark"]):
            return ""
        return shown.risen(said, prices(weigh(deed, queryset, user)))

    def _confirm(self, request: HttpRequest, queryset: QuerySet[Generation], deed: Deed) -> HttpResponse | None:
        user = viewer(request)
        weighed = weigh(deed, queryset, user)
        left = budgets.tightest_each({deed.payer(row.generation, user) for row in weighed})
        rows = list(within(weighed, left, deed, user))
        able = [row for row in rows if not row.problem]
        if not able:
            self._report(request, "", Counter(row.problem for row in rows))
            return self._back(request, [row.generation for row in rows])
        mark, now = request.POST.get("mark", ""), prices(able)
        facts = {"deed": deed, "rows": able, "left": [row for row in rows if row.problem]}
        facts |= {"total": shown.told(now), "shown": shown.written(now), "costs": any(now.values())}
        bought = any(row.bill for row in able)
        facts |= {"bought": bought, "button": deed.button if bought else _("Fetch it again")}
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

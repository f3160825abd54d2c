"""Asking for more money in the admin: who may generate asks, who manages budgets answers."""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_UP, Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Case, QuerySet, When
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imagen import budgets, pleas
from imagen.admin import words
from imagen.admin.base import PlainAdmin, goes_along, viewer
from imagen.admin.filters import ColumnFilter
from imagen.exceptions import Conflict, Refused
from imagen.messages import day, money, sentence
from imagen.models import Answer, Plea

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    ModelForm = forms.ModelForm[Plea]
else:  # it cannot be subscripted at run time
    ModelForm = forms.ModelForm

CENT = Decimal("0.01")
FRESH = timedelta(days=7)
SEEN = "imagen_answered_plea"
WAYS = {Answer.GRANTED: pleas.grant, Answer.RAISED: pleas.raise_limit, Answer.DECLINED: pleas.decline}


def more(missing: Decimal) -> str:
    """Where to ask for so much more money."""
    wanted = max(missing, CENT).quantize(CENT, ROUND_UP)
    return f"{reverse('admin:imagen_plea_add')}?{urlencode({'wanted': wanted})}"


def tell_answer(page: PlainAdmin, request: HttpRequest) -> None:
    """Tell who asked for money the answer, once, on the next of our pages they open."""
    if request.method != "GET":
        return
    mine = Plea.objects.filter(user=viewer(request).pk, answered_at__gte=timezone.now() - FRESH)
    plea = mine.select_related("user", "purse").order_by("-answered_at").first()
    if plea and request.session.get(SEEN) != plea.pk:
        request.session[SEEN] = plea.pk
        page.message_user(request, pleas.answered(plea), messages.INFO)


def stands(plea: Plea) -> str:
    """How the budget it is about stands."""
    purse = plea.purse
    limit = (purse.budget.limit if purse.budget else budgets.default_limit()) + purse.extra
    facts = {
        "spent": money(purse.spent, purse.currency),
        "reserved": money(purse.reserved, purse.currency),
        "limit": money(limit, purse.currency),
        "until": day(purse.ends_on),
    }
    if purse.ends_on <= timezone.now().date():
        return _("%(spent)s spent of %(limit)s; that period ended on %(until)s") % facts
    if not purse.reserved:
        return _("%(spent)s spent of %(limit)s until %(until)s") % facts
    return _("%(spent)s spent and %(reserved)s set aside of %(limit)s until %(until)s") % facts


def much(plea: Plea) -> str:
    """How much more somebody asks for."""
    return money(plea.wanted, plea.purse.currency)


def whose(plea: Plea) -> str:
    """The budget it is about."""
    return str(plea.purse.budget or _("each person, by the settings of the site"))


class AnswerFilter(ColumnFilter):
    """By answer."""

    title = gettext_lazy("answer")
    parameter_name = column = "answer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every answer there is."""
        return [(value, str(name)) for value, name in Answer.choices]


class PleaForm(ModelForm):
    """How much more, and why."""

    wanted = forms.DecimalField(
        label=gettext_lazy("How much more"), min_value=CENT, max_value=pleas.MOST, max_digits=12, decimal_places=2
    )

    class Meta:
        model = Plea
        fields = ("wanted", "reason")
        labels = {"reason": gettext_lazy("What it is for")}  # Django's own way
        widgets = {"reason": forms.Textarea(attrs={"rows": 3})}  # likewise


@admin.register(Plea)
class PleaAdmin(PlainAdmin):
    """The inbox of who manages budgets; everybody else sees what they asked for themselves."""

    form = PleaForm
    fields = ("wanted", "reason")
    list_display = ("who", "wish", "budget", "state")
    list_display_links = ("who",)
    list_filter = (AnswerFilter,)
    list_select_related = ("user", "answered_by", "purse__budget__group", "purse__budget__user")
    actions = None

    # --- who sees what ---

    def get_queryset(self, request: HttpRequest) -> QuerySet[Plea]:
        """Everything, or one's own; what waits comes first."""
        rows = super().get_queryset(request).select_related(*self.list_select_related)
        return rows if self.owns(request) else rows.filter(user=viewer(request).pk)

    def get_ordering(self, request: HttpRequest) -> Any:
        """What waits, then the newest."""
        return (Case(When(answer=Answer.OPEN, then=0), default=1), "-asked_at", "-pk")

    def owns(self, request: HttpRequest) -> bool:
        """Whether this person answers."""
        return viewer(request).has_perm(pleas.OWNERS)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """The inbox is for who answers; who asks comes from where the money was missing."""
        return self.owns(request)

    def has_view_permission(self, request: HttpRequest, obj: Plea | None = None) -> bool:
        """Who answers, and who may ask."""
        return self.owns(request) or self.has_add_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Who may spend may ask for more."""
        return viewer(request).has_perm("imagen.generate")

    def has_change_permission(self, request: HttpRequest, obj: Plea | None = None) -> bool:
        """What was asked is never edited."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Plea | None = None) -> bool:
        """Nor deleted; it goes with its person and with its budget."""
        return goes_along(request, obj)

    # --- the list ---

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list under its own name."""
        return super().changelist_view(request, {"title": _("Requests for more money"), **(extra_context or {})})

    @admin.display(description=gettext_lazy("person"))
    def who(self, plea: Plea) -> str:
        """Who asks, and since when."""
        return words.pair(plea.user, words.ago(plea.asked_at))

    @admin.display(description=gettext_lazy("how much more"))
    def wish(self, plea: Plea) -> str:
        """The amount, and what it is for."""
        return words.pair(much(plea), words.short(plea.reason))

    @admin.display(description=gettext_lazy("budget"))
    def budget(self, plea: Plea) -> str:
        """Which budget, and how it stands."""
        return words.pair(whose(plea), stands(plea))

    @admin.display(description=gettext_lazy("answer"))
    def state(self, plea: Plea) -> str:
        """How it was answered, and by whom."""
        told = plea.get_answer_display()
        return words.pair(told, plea.answered_by) if plea.answered_by else told

    # --- asking ---

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The form, as long as there is something to ask for."""
        user = viewer(request)
        least = budgets.tightest(user)
        if request.method == "GET" and self.has_add_permission(request) and (answer := self._instead(request, least)):
            return answer
        mine = Plea.objects.filter(user=user.pk).exclude(answer=Answer.OPEN).select_related("user", "purse")
        shown = {"title": _("Ask for more money"), "least": least, "earlier": [pleas.answered(p) for p in mine[:5]]}
        try:
            return super().add_view(request, form_url, {**shown, **(extra_context or {})})
        except (Conflict, Refused) as error:
            self.message_user(request, sentence(error.code, **error.params), messages.WARNING)
            return HttpResponseRedirect(self._waiting(user) or reverse("admin:index"))

    def _waiting(self, user: User) -> str:
        """The page of what this person asked for and nobody has answered; nothing when there is none."""
        plea = pleas.waiting().filter(user=user.pk).first()
        return self._page(plea) if plea else ""

    def _instead(self, request: HttpRequest, least: budgets.Allowance | None) -> HttpResponse | None:
        """Where to go instead of the form: to what waits for an answer, or back when nothing is limited."""
        if waits := self._waiting(viewer(request)):
            return HttpResponseRedirect(waits)
        if least is None:
            self.message_user(request, _("No budget limits you; there is nothing to ask for."), messages.INFO)
            return HttpResponseRedirect(reverse("admin:index"))
        return None

    def _page(self, plea: Plea) -> str:
        return reverse("admin:imagen_plea_change", args=[plea.pk])

    def save_model(self, request: HttpRequest, obj: Plea, form: Any, change: bool) -> None:
        """Hand it to those who answer."""
        made = pleas.ask(viewer(request), form.cleaned_data["wanted"], reason=form.cleaned_data["reason"])
        obj.pk, obj.user_id, obj.purse_id = made.pk, made.user_id, made.purse_id

    def response_add(self, request: HttpRequest, obj: Plea, post_url_continue: str | None = None) -> HttpResponse:
        """On to its page."""
        text = _("Your request is sent. The answer comes by mail and is shown here.")
        self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(self._page(obj))

    # --- answering ---

    def get_urls(self) -> list[URLPattern]:
        """Ours before the admin's own, which take any path."""
        answer = self.admin_site.admin_view(self.answer_view)
        return [path("<int:pk>/answer/", answer, name="imagen_plea_answer"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What was asked, how the budget stands, and the answer or the ways to give one."""
        plea = self.get_object(request, object_id)
        if plea is not None and self.has_view_permission(request, plea):
            facts = {"plea": plea, "much": much(plea), "whose": whose(plea), "stands": stands(plea)}
            facts |= {"answered": pleas.answered(plea), "may_answer": self.owns(request) and plea.answer == Answer.OPEN}
            names = {"title": _("Request for more money"), "subtitle": None, "until": plea.purse.ends_on}
            extra_context = {**(extra_context or {}), **facts, **names}
        return super().change_view(request, object_id, form_url, extra_context)

    def answer_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Grant, raise or decline: the first answer counts."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.owns(request):
            raise PermissionDenied
        plea = self.get_queryset(request).filter(pk=pk).first()
        if plea is None or request.POST.get("answer") not in WAYS:
            raise Http404
        answer, note = Answer(request.POST["answer"]), request.POST.get("note", "").strip()[:500]
        try:
            WAYS[answer](plea, actor=viewer(request), note=note)
        except Conflict as conflict:
            self.message_user(request, sentence(conflict.code, **conflict.params), messages.WARNING)
            return HttpResponseRedirect(self._page(plea))
        self.log_change(request, plea, str(answer.label))
        self._log_limit(request, plea)
        text = _("Answered: %(answer)s. %(person)s is told.") % {"answer": answer.label, "person": plea.user}
        self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:imagen_plea_changelist"))

    def _log_limit(self, request: HttpRequest, plea: Plea) -> None:
        plea.purse.refresh_from_db()
        if plea.answer == Answer.RAISED and plea.purse.budget:
            told = _("Limit raised by %(wanted)s for %(person)s") % {"wanted": much(plea), "person": plea.user}
            self.log_change(request, plea.purse.budget, told)

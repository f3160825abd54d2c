"""API keys in the admin: made, shown once, looked after, revoked; nothing about one is ever edited."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.debug import sensitive_variables

from imagen import keyring, keys
from imagen.admin import once, words
from imagen.admin.base import PlainAdmin, goes_along, viewer
from imagen.admin.person_field import PersonField
from imagen.exceptions import Conflict, Refused
from imagen.messages import listed, sentence
from imagen.models import ApiKey, KeyScope, KeyState

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[ApiKey]
else:  # it cannot be subscripted at run time
    ModelForm = forms.ModelForm

LASTS = (
    ("30", gettext_lazy("in 30 days")),
    ("90", gettext_lazy("in 90 days")),
    ("365", gettext_lazy("in a year")),
    ("", gettext_lazy("never")),
)
ASKED = ("name", "scopes", "rate", "webhook_urls")
COLOURS = {KeyState.VALID: "completed", KeyState.EXPIRED: "canceled", KeyState.REVOKED: "failed"}


class KeyForm(ModelForm):
    """A new key of one's own: for which program, what it opens, until when."""

    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Opens"),
        choices=lambda: [(scope.value, f"{scope.value} · {scope.label}") for scope in KeyScope],
        initial=[KeyScope.READ, KeyScope.GENERATE],
        widget=forms.CheckboxSelectMultiple,
    )
    lasts = forms.ChoiceField(label=gettext_lazy("Expires"), choices=LASTS, initial="90", required=False)
    mark = forms.CharField(widget=forms.HiddenInput, initial=once.token, required=False)

    class Meta:
        model = ApiKey
        fields = ASKED

    @property
    def asked(self) -> dict[str, Any]:
        """What was asked, as a key is made from it."""
        said, days = self.cleaned_data, self.cleaned_data["lasts"]
        ends = {"expires_at": timezone.now() + timedelta(days=int(days)) if days else None}
        return ends | {name: said[name] for name in ASKED}


class AnybodysKeyForm(KeyForm):
    """The same for superusers, who may make one for somebody else."""

    user = PersonField(help_text=gettext_lazy("Whose permissions and budget count. Empty: your own."))


@admin.register(ApiKey)
class ApiKeyAdmin(PlainAdmin):
    """Superusers see all keys and make them for others; everybody else, if permitted, looks after their own."""

    list_display = ("named", "whose", "opens", "ends", "used", "stands")
    list_display_links = ("named",)
    list_select_related = ("user",)
    sortable_by = ()
    actions = ("revoke",)

    # --- who may ---

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        """All, or one's own."""
        rows, user = super().get_queryset(request), viewer(request)
        return rows if user.is_superuser else rows.filter(user=user.pk)

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """No key is ever edited."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """A key is revoked; its row goes with its person, or when a superuser says so."""
        return viewer(request).is_superuser or goes_along(request, obj)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Whether this person may take keys away: their own, or any."""
        return bool(viewer(request).has_perm("imagen.change_apikey"))

    def has_view_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """Who may look, and who may make or take away."""
        own = obj is None or viewer(request).is_superuser or obj.user_id == viewer(request).pk
        names = ("view_apikey", "add_apikey", "change_apikey")
        return own and any(viewer(request).has_perm(f"imagen.{name}") for name in names)

    # --- the list and the page ---

    @admin.display(description=gettext_lazy("name"))
    def named(self, key: ApiKey) -> str:
        """Which program's it is, and its end."""
        return words.pair(key.name, self.shown(key))

    @admin.display(description=gettext_lazy("key"))
    def shown(self, key: ApiKey) -> str:
        """What may be seen of it."""
        return f"{keys.PREFIX}{key.handle}_…{key.last_four}"

    @admin.display(description=gettext_lazy("person"))
    def whose(self, key: ApiKey) -> str:
        """Whose permissions count; that an account is closed."""
        return str(key.user) if key.user.is_active else words.pair(key.user, _("account closed"))

    @admin.display(description=gettext_lazy("opens"))
    def opens(self, key: ApiKey) -> str:
        """Its scopes by the names that programs know, and its own rate."""
        told = listed(*key.scopes)
        return words.pair(told, _("at most %(rate)s") % {"rate": key.rate}) if key.rate else told

    @admin.display(description=gettext_lazy("expires"))
    def ends(self, key: ApiKey) -> str:
        """The day it ends."""
        return words.exactly(key.expires_at) if key.expires_at else _("never")

    @admin.display(description=gettext_lazy("last used"))
    def used(self, key: ApiKey) -> str:
        """How long ago it was used."""
        return words.ago(key.last_used_at) if key.last_used_at else _("never")

    @admin.display(description=gettext_lazy("state"))
    def stands(self, key: ApiKey) -> str:
        """Whether it opens anything, on its colour."""
        return format_html('<span class="imagen-badge imagen-{}">{}</span>', COLOURS[key.state], key.state.label)

    def get_form(self, request: HttpRequest, obj: ApiKey | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Whose it is is asked, and heard, of superusers only."""
        form = AnybodysKeyForm if viewer(request).is_superuser else KeyForm
        return super().get_form(request, obj, change, form=form, **kwargs)

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        """What is asked, and of a key that is there what is known."""
        if obj is not None:
            facts = ("name", "shown", "whose", "opens", "webhook_urls", "created_at", "ends", "used", "stands")
            return (*facts, "revoked_at") if obj.revoked_at else facts
        person = ("user",) if viewer(request).is_superuser else ()
        return ("name", *person, "scopes", "lasts", "rate", "webhook_urls", "mark")

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        """Everything that is known of a key."""
        return self.get_fields(request, obj) if obj else ()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What is known of it, and the way to take it away."""
        key = self.get_object(request, object_id)
        standing = key is not None and key.revoked_at is None and self.has_revoke_permission(request)
        shown = {"title": _("API key"), "may_revoke": standing, "checkbox": ACTION_CHECKBOX_NAME}
        return super().change_view(request, object_id, form_url, {**shown, **(extra_context or {})})

    # --- making one ---

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The form; sent twice it makes one key, and shows it the first time only."""
        shown = {"show_save_and_add_another": False, "show_save_and_continue": False, **(extra_context or {})}
        try:
            return super().add_view(request, form_url, shown)
        except Refused as refused:
            self.message_user(request, sentence(refused.code, **refused.params), messages.ERROR)
        except Conflict:
            text = _("This key was made and shown before. If it was not copied, revoke it and make another.")
            self.message_user(request, text, messages.WARNING)
        return HttpResponseRedirect(reverse("admin:imagen_apikey_changelist"))

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """Make the key, unless this very form made it before."""
        mark = form.cleaned_data["mark"]
        usual = mark if once.valid(mark) else once.token()
        obj.pk, fresh = once.once(viewer(request), usual, lambda: self._issue(request, form))
        if not fresh:
            raise Conflict
        obj.refresh_from_db()

    @sensitive_variables("text")
    def _issue(self, request: HttpRequest, form: Any) -> int:
        """Make the key; its text travels with this request alone."""
        mine = viewer(request)
        row, text = keyring.issue(user=form.cleaned_data.get("user") or mine, actor=mine, **form.asked)
        request.imagen_key = text  # type: ignore[attr-defined]  # nothing else lives as short
        return int(row.pk)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The keyring has written it down."""

    @sensitive_variables("text")
    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        """The key, this once: it is the answer to the form itself, and kept nowhere."""
        text = request.imagen_key  # type: ignore[attr-defined]
        shown = {"title": _("Copy the key now"), "opts": self.opts, "row": obj, "key": text, "media": self.media}
        template = "admin/imagen/apikey/issued.html"
        return TemplateResponse(request, template, {**self.admin_site.each_context(request), **shown})

    # --- taking it away ---

    @admin.action(description=gettext_lazy("Revoke"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> HttpResponse | None:
        """Take keys away for good, after saying what follows."""
        chosen = list(queryset.filter(revoked_at=None).select_related("user"))
        if chosen and not request.POST.get("sure"):
            shown = {"title": _("Revoke"), "opts": self.opts, "rows": chosen, "checkbox": ACTION_CHECKBOX_NAME}
            template = "admin/imagen/apikey/revoke.html"
            return TemplateResponse(
                request, template, {**self.admin_site.each_context(request), "media": self.media, **shown}
            )
        count = sum(keyring.revoke(row, actor=viewer(request)) for row in chosen)
        text = ngettext("%(count)s key was revoked.", "%(count)s keys were revoked.", count) % {"count": count}
        self.message_user(request, text, messages.SUCCESS if count else messages.WARNING)
        return None

"""Webhook endpoints in the admin: one's own, their state in plain words, their secret once."""

from __future__ import annotations

import uuid
from contextlib import nullcontext
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from imagen import postmarks, webhooks
from imagen.admin import once
from imagen.admin.base import viewer
from imagen.admin.delivery import badge as delivery_badge
from imagen.admin.delivery import told as what_told
from imagen.admin.endpoint_deeds import DEEDS, fitting
from imagen.admin.endpoint_form import FIELDS, EndpointForm
from imagen.admin.endpoint_list import EndpointList, badge, told
from imagen.exceptions import Conflict, Refused
from imagen.models import Delivery, Endpoint

MOST_DELIVERIES = 10


@admin.register(Endpoint)
class EndpointAdmin(EndpointList):
    """Everybody's own; a superuser's everybody's."""

    form = EndpointForm
    fields = (*FIELDS, "mark")

    # --- who sees what ---

    def get_queryset(self, request: HttpRequest) -> QuerySet[Endpoint]:
        """One's own; for a superuser, everybody's."""
        rows, user = super().get_queryset(request), viewer(request)
        return rows if user.is_superuser else rows.filter(user=user.pk)

    # --- one endpoint ---

    def get_urls(self) -> list[URLPattern]:
        """Ours before the admin's own, which take any path."""
        deed = self.admin_site.admin_view(self.deed_view)
        return [path("<uuid:pk>/do/<slug:name>/", deed, name="imagen_endpoint_deed"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """How it stands, what can be done, what was sent lately; then the form."""
        endpoint = self.get_object(request, unquote(object_id))
        if endpoint is not None and self.has_view_permission(request, endpoint):
            extra_context = {**(extra_context or {}), **self._facts(request, endpoint)}
        return super().change_view(request, object_id, form_url, extra_context)

    def _facts(self, request: HttpRequest, endpoint: Endpoint) -> dict[str, Any]:
        recent = endpoint.deliveries.select_related("endpoint")[:MOST_DELIVERIES]
        sent = [_line(row) for row in recent]
        deeds = fitting(endpoint) if self.has_change_permission(request, endpoint) else []
        told = {"badge": badge(endpoint), "told": postmarks.of_endpoint(endpoint)}
        return {"endpoint": endpoint, "deeds": deeds, "sent": sent, **told, "title": str(endpoint), "subtitle": None}

    @sensitive_variables("done")
    def deed_view(self, request: HttpRequest, pk: uuid.UUID, name: str) -> HttpResponse:
        """Do one thing with it, and say what follows."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        endpoint, deed = self.get_object(request, str(pk)), DEEDS.get(name)
        if endpoint is None or deed is None:
            raise Http404
        if not self.has_change_permission(request, endpoint):
            raise PermissionDenied
        try:
            done = deed.do(endpoint)
        except (Conflict, Refused) as error:
            self.message_user(request, told(error), messages.WARNING)
            return HttpResponseRedirect(_page(endpoint))
        self.log_change(request, endpoint, str(deed.button))
        if deed is DEEDS["rotate"]:
            return self._secret(request, endpoint, done, rotated=True)
        self.message_user(request, deed.says % {"count": 1}, messages.SUCCESS)
        return HttpResponseRedirect(_page(endpoint))

    @sensitive_variables("secret", "facts", "whole")
    def _secret(self, request: HttpRequest, endpoint: Endpoint, secret: str, *, rotated: bool) -> HttpResponse:
        """The page that shows the secret: the answer itself, so that nothing keeps it and no reload repeats it."""
        facts = {"endpoint": endpoint, "secret": secret, "rotated": rotated, "opts": self.opts, "media": self.media}
        whole = {**self.admin_site.each_context(request), **facts, "title": _("The secret"), "page": _page(endpoint)}
        return TemplateResponse(request, "imagen/admin/secret.html", whole)

    # --- adding and changing ---

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The page; the address is looked up before a transaction opens, and what is refused in it is said."""
        with webhooks.looked_up(request.POST.get("url", "").strip()) if request.method == "POST" else nullcontext():
            try:
                return super().changeform_view(request, *args, **kwargs)
            except Refused as refused:  # between the form's own check and the verb's
                self.message_user(request, told(refused), messages.ERROR)
                return HttpResponseRedirect(request.get_full_path())

    def get_form(self, request: HttpRequest, obj: Endpoint | None = None, change: bool = False, **kwargs: Any) -> Any:
        """The form, which knows whose it is."""
        form = super().get_form(request, obj, change, **kwargs)
        return type(form.__name__, (form,), {"user": obj.user if obj else viewer(request)})

    @sensitive_variables("secrets")
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Hand it to the verb; a form that is sent twice registers once."""
        if change:
            webhooks.change(Endpoint.objects.get(pk=obj.pk), **form.changes)
            return
        user, secrets = viewer(request), [""]

        @sensitive_variables("secrets")
        def register() -> str:
            made, secrets[0] = webhooks.register(user, **form.asked)
            return str(made.pk)

        made, _fresh = once.once(user, once.about(form.cleaned_data["mark"], form.asked), register)
        obj.pk, obj.shown_secret = uuid.UUID(made), secrets[0]
        obj.refresh_from_db()

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Its secret, once; who sends the form again comes to its page."""
        if obj.shown_secret:
            return self._secret(request, obj, obj.shown_secret, rotated=False)
        self.message_user(request, _("This was already registered; its secret is not shown again."), messages.INFO)
        return HttpResponseRedirect(_page(obj))

    # --- deleting ---

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The endpoints, by name; their log goes along."""
        chosen = list(objs)
        lacking = set() if self.has_delete_permission(request) else {self.opts.verbose_name}
        return [str(endpoint) for endpoint in chosen], {self.opts.verbose_name_plural: len(chosen)}, lacking, []

    def delete_model(self, request: HttpRequest, obj: Endpoint) -> None:
        """Delete it with its log."""
        webhooks.remove(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        """Delete each of them."""
        for endpoint in queryset:
            webhooks.remove(endpoint)


def _line(row: Delivery) -> dict[str, Any]:
    return {"row": row, "what": what_told(row), "badge": delivery_badge(row), "told": postmarks.of_delivery(row)}


def _page(endpoint: Endpoint) -> str:
    return reverse("admin:imagen_endpoint_change", args=[endpoint.pk])

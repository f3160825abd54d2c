"""Every code's sentence, next steps and word about money, in one translated table; ``imagen.messages`` says them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """What a code means to a person, the HTTP status it has as an answer, what can be done, and what was spent.

    ``spent`` is a key of ``MONEY``; where the facts of a generation are known they decide, see ``imagen.spending``.
    """

    text: Any
    actions: tuple[str, ...] = ()
    status: int = 0
    spent: str = ""


def _say(text: Any, *actions: str, status: int = 0, spent: str = "") -> Sentence:
    return Sentence(text=text, actions=actions, status=status, spent=spent or ("no" if status else ""))


BLOCKED = _("The word “%(word)s” is not allowed by your site’s rules (rule: %(rule)s).")
SENTENCES: Mapping[str, Sentence] = {
    "invalid_request": _say(_("Some fields need correcting; each is named below."), "fix_fields", status=400),
    "unsupported_parameter": _say(
        _("The model %(model)s cannot do everything you asked for; the fields are named below."),
        *("fix_fields", "choose_model"),
        status=400,
    ),
    "model_unknown": _say(_("No image service set up here has the model “%(model)s”."), "choose_model", status=400),
    "provider_not_configured": _say(
        _("No image service is set up for this. Ask an administrator to add one."), "choose_model", status=400
    ),
    "webhooks_not_configured": _say(
        _("Webhooks are not set up on this site. Ask an administrator to set ENCRYPTION_KEYS."),
        "ask_administrator",
        status=400,
    ),
    "prompt_blocked": _say(BLOCKED, "edit_prompt", status=400),
    "not_authenticated": _say(_("Please sign in, or send a valid key or token."), status=401),
    "permission_denied": _say(_("Your account may not do this here."), status=403),
    "not_found": _say(_("There is nothing at this address, or it is not yours."), status=404),
    "method_not_allowed": _say(_("This address does not take that method."), status=405),
    "not_acceptable": _say(_("This address cannot answer in the form you accept."), status=406),
    "budget_exceeded": _say(
        _("This needs %(cost)s; %(left)s of %(limit)s is left until %(resets)s (budget: %(whose)s)."),
        *("reduce", "ask_for_more"),
        status=402,
    ),
    "quota_exceeded": _say(_("You have reached what your account may use."), *("reduce", "ask_for_more"), status=402),
    "conflict": _say(_("There is nothing to do: it is %(state)s."), "wait", status=409),
    "idempotency_in_progress": _say(
        _("The first request with this key is still being taken. Ask again in a second."), "wait", status=409
    ),
    "length_required": _say(
        _("The request has to say how long it is, with a Content-Length header."), "fix_fields", status=411
    ),
    "payload_too_large": _say(_("The request is too large."), "fix_fields", status=413),
    "unsupported_media_type": _say(_("Please send JSON."), "fix_fields", status=415),
    "idempotency_conflict": _say(
        _("This key was used for a different request. Use a new key."), "fix_fields", status=422
    ),
    "throttled": _say(_("Too many requests just now. Please wait a moment."), "wait", status=429),
    "internal_error": _say(
        _("Something went wrong on our side. An administrator can look it up by this id: %(id)s."), "wait", status=500
    ),
    "service_unavailable": _say(
        _("The site cannot take requests just now. Please try again soon."), "wait", status=503
    ),
    "model_retired": _say(
        _("%(provider)s no longer has this model. Its successor is %(successor)s."), "choose_model", spent="no"
    ),
    "provider_auth": _say(
        _("%(provider)s refuses our key. An administrator has to look."), "ask_administrator", spent="no"
    ),
    "provider_insufficient_credits": _say(
        _("Our account at %(provider)s is empty. An administrator has to top it up."), "ask_administrator", spent="no"
    ),
    "provider_rejected": _say(
        _("%(provider)s declined this request. Please change the description."), "edit_prompt", spent="no"
    ),
    "content_filtered": _say(
        _(
            "%(provider)s declined this description. It does not say why; wording about real people, children, "
            "violence or brands is a common cause."
        ),
        "edit_prompt",
        spent="no",
    ),
    "provider_rate_limited": _say(
        _("%(provider)s takes only so many requests at a time. Yours waits its turn and is sent by itself."),
        *("wait", "choose_provider"),
        spent="no",
    ),
    "provider_unavailable": _say(
        _("%(provider)s is not answering. We keep trying."), *("wait", "choose_provider"), spent="no"
    ),
    "provider_failed": _say(_("%(provider)s could not make this picture."), "retry", spent="told"),
    "no_outputs": _say(_("%(provider)s said it was done but sent no picture."), "retry", spent="told"),
    "provider_job_lost": _say(_("%(provider)s no longer knows about this request."), "retry", spent="told"),
    "provider_timeout": _say(
        _("No answer from %(provider)s within the time we wait. If the picture still comes, we show it."),
        "retry",
        spent="told",
    ),
    "provider_protocol_error": _say(_("%(provider)s answered in a way we do not understand."), "retry", spent="told"),
    "submit_unknown": _say(
        _(
            "We could not confirm that %(provider)s took this request, so it was not sent again. "
            "An administrator has to look."
        ),
        "ask_administrator",
        spent="reserved",
    ),
    "partial_outputs": _say(
        _("%(ready)s of %(asked)s pictures are ready; the rest did not come."), "retry", spent="came"
    ),
    "output_expired": _say(_("%(provider)s deleted the picture before we could fetch it."), "retry", spent="yes"),
    "output_invalid": _say(_("What %(provider)s sent is not a picture we can use."), "retry", spent="yes"),
    "output_too_large": _say(_("The picture is larger than this site accepts."), "retry", spent="yes"),
    "egress_blocked": _say(_("The picture lies at an address this site does not fetch from."), "retry", spent="yes"),
    "wrong_size": _say(_("The picture has another shape than you asked for. It was kept."), "retry", spent="yes"),
    "storage_unavailable": _say(
        _("The picture exists but could not be saved. We keep trying."), *("wait", "ask_administrator"), spent="kept"
    ),
    "storage_full": _say(
        _("The picture exists but the site's storage is full. We keep trying."),
        *("wait", "ask_administrator"),
        spent="kept",
    ),
    "model_retired_upstream": _say(
        _(
            "Google switched this model off on %(retired)s; %(provider)s still offers it. "
            "Its successor is %(successor)s."
        )
    ),
    "late": _say(_("The picture came after the time we usually wait.")),
    "already_submitted": _say(_("It had already been sent when you cancelled. Pictures that come are kept and cost.")),
    "provider_changed": _say(
        _("The service first chosen was not available, so %(provider)s makes it. The price may differ.")
    ),
    "price_unknown": _say(_("%(provider)s does not say what this model costs.")),
    "seed_ignored": _say(_("%(provider)s did not use the seed.")),
}

MONEY: Mapping[str, Any] = {
    "no": _("Nothing was charged."),
    "yes": _("%(price)s was spent; trying again costs money again."),
    "came": _("%(price)s was spent for what came; trying again costs money again."),
    "kept": _("The picture is paid for (%(price)s) and kept for retry; saving it costs nothing more."),
    "told": _("The service did not say what it charged; expected: %(price)s."),
    "reserved": _("It may have been charged (%(price)s). The amount stays set aside until somebody has looked."),
    "also_reserved": _(
        "%(price)s was spent. Another call may have been charged too; its amount stays set aside until "
        "somebody has looked."
    ),
    "spent": _("%(price)s was spent."),
    "so_far": _("Nothing was charged so far. Expected cost: %(price)s."),
    "expected": _("Expected cost: %(price)s."),
    "unknown": _("No charge is known."),
}

KEPT: Mapping[str, Any] = {
    "seen": _("The picture is paid for and still kept by %(provider)s until %(until)s. Fetch it again: free."),
    "untold": _("Should %(provider)s have made it meanwhile, it is kept until %(until)s. Ask for it again: free."),
    "asked": _("%(provider)s is being asked for the picture once more; that is free."),
}
OVER: Mapping[str, Any] = {  # instead of the sentence that says that we keep trying
    "provider_rate_limited": _(
        "%(provider)s takes only so many requests at a time and had no room for this one. We no longer try."
    ),
    "provider_unavailable": _("%(provider)s did not answer, and we no longer try."),
    "storage_unavailable": _("The picture exists but could not be saved."),
    "storage_full": _("The picture exists but the site's storage is full."),
}
CAME: Mapping[str, Any] = {  # instead of the warning that it may still come
    "provider_timeout": _("No answer from %(provider)s within the time we wait; the picture came later."),
}

ALARMS: Mapping[str, Any] = {
    "more_money_wanted": _("Somebody asks for more money for pictures. Grant it, raise the limit, or decline."),
    "provider_auth": _(
        "%(provider)s refuses our key. Check the api_key in its OPTIONS; meanwhile requests go to other services "
        "where that is possible, and it is tried again every minute."
    ),
    "provider_insufficient_credits": _(
        "Our account at %(provider)s is empty. Top it up; meanwhile requests go to other services where that is "
        "possible, and it is tried again every minute."
    ),
    "provider_unavailable": _(
        "%(provider)s does not answer. Its status page may say more; meanwhile requests go to other services where "
        "that is possible, and it is tried again every minute."
    ),
    "worker_silent": _(
        "The background worker is not running, and requests wait for it. Start qcluster, or imagen_worker beside it."
    ),
    "service_wanted": _(
        "Somebody wants to make pictures, and no image service is set up. Put the key of one into the site's settings; "
        "the Studio's page “Services” shows what each of them lacks."
    ),
    "webhooks_unsigned": _(
        "Webhooks wait, because the secret they are signed with cannot be read. Put the key it was encrypted with "
        "back into ENCRYPTION_KEYS."
    ),
    "submit_unknown": _(
        "A request sent to %(provider)s was never confirmed, and looking it up did not help. It may have been "
        "charged. Open it and say what happened to it."
    ),
}

FIELD_SENTENCES: Mapping[str, Any] = {
    "prompt_blocked": BLOCKED,
    "required": _("This field is required."),
    "unknown_field": _("There is no such field."),
    "read_only": _("This field cannot be set."),
    "blank": _("Please describe the picture."),
    "not_a_string": _("This has to be text."),
    "too_long": _("This is longer than %(limit)s characters."),
    "too_large": _("This is larger than %(limit)s bytes."),
    "unstorable_text": _("This contains characters that cannot be stored."),
    "not_a_choice": _("Choose one of: %(choices)s."),
    "not_a_boolean": _("This has to be true or false."),
    "not_a_uuid": _("This has to be an id, such as 5f0c6a3e-8b1d-4c7f-9a2e-4d6b8c0f1a3e."),
    "not_choices": _("This has to be a list with at least one of: %(choices)s."),
    "key_may_not": _("Only an API key that may name webhook addresses can set this."),
    "not_an_integer": _("This has to be a whole number."),
    "out_of_range": _("This has to be between %(low)s and %(high)s."),
    "not_an_object": _("This has to be a JSON object."),
    "not_a_list": _("This has to be a list."),
    "wrong_number": _("There have to be between %(low)s and %(high)s of these."),
    "not_an_id": _("This cannot be an id: ids have letters, digits and . _ : - and no spaces."),
    "not_json": _("This cannot be written as JSON."),
    "invalid_json": _("This is not valid JSON."),
    "given_twice": _("This is given twice."),
    "unknown_parameter": _("There is no such parameter at this address."),
    "not_a_time": _("This has to be a time, such as 2026-11-20T16:00:00Z."),
    "not_a_key": _("A key has 1 to 255 printable ASCII characters."),
    "key_malformed": _("This is not a whole API key. Copy it again, from imagen_ to its end."),
    "key_unknown": _("There is no such key here. Check it, or ask for a new one."),
    "key_expired": _("This key has expired. Ask for a new one."),
    "key_revoked": _("This key was revoked. Ask for a new one."),
    "two_keys": _("More than one key or token came along. Send one."),
    "scope_missing": _("This key does not have the scope “%(scope)s”. Use one that has it."),
    "csrf_failed": _("The security token of the page is missing or out of date."),
    "too_deep": _("This is nested more than %(limit)s levels deep."),
    "unsupported_parameter": _("The model cannot do this. These can: %(offers)s."),
    "model_unknown": _("There is no such model here."),
    "provider_not_configured": _("There is no such service here."),
    "address_refused": _(
        "We do not send there. It has to be a public https address at port 443 or 8443 whose host can be found."
    ),
    "too_many_endpoints": _("You have %(limit)s endpoints already. Remove one first."),
    "not_your_endpoint": _("This has to have the scheme, host and port of one of your active webhook endpoints."),
    "invalid": _("This is not valid."),
}

ACTIONS: Mapping[str, Any] = {
    "fix_fields": _("Correct the fields"),
    "choose_model": _("Choose another model"),
    "choose_provider": _("Choose another service"),
    "edit_prompt": _("Change the description"),
    "reduce": _("Ask for fewer pictures"),
    "ask_for_more": _("Ask for a larger budget"),
    "wait": _("Wait"),
    "retry": _("Try again"),
    "ask_administrator": _("Ask an administrator"),
}

"""Before a picture goes into a form: its focal point, what it is for, its alt text, its file's name."""

from __future__ import annotations

import json
import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.template.response import SimpleTemplateResponse, TemplateResponse
from django.utils.translation import gettext as _

from imagen import pipeline
from imagen.admin.base import PlainAdmin, viewer
from imagen.admin.previews import address
from imagen.admin.studio import disclosing, headline, replies, results, slot, tiles
from imagen.admin.studio.doorway import door_of, home, popup, to, token
from imagen.admin.studio.place_forms import LibraryForm, PlaceForm, RelationForm, ready_made
from imagen.doors import Door, Pick
from imagen.exceptions import Refused
from imagen.messages import sentence
from imagen.models import Image
from imagen.states import Review


@replies.permitted
def view(page: PlainAdmin, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The panel; a POST that answers everything hands the picture over, or saves the words where there is no field."""
    if request.method not in ("GET", "POST"):
        return HttpResponseNotAllowed(["GET", "POST"])
    image = _found(request, pk)
    if image is None:
        return gone(request)
    if problem := _unusable(request, image):
        return replies.plainly(request, problem, status=409)
    door = door_of(request)
    form = _form(request, image, door)
    if form.is_valid():
        return _placed(page, request, image, door, form)
    return _panel(page, request, image, door, form)


def _found(request: HttpRequest, pk: uuid.UUID) -> Image | None:
    seen = Image.objects.of(viewer(request)).standing()
    return seen.select_related("generation").filter(pk=pk).first()


def gone(request: HttpRequest) -> HttpResponse:
    """It was deleted while somebody looked at it."""
    return replies.plainly(request, _("This picture was deleted meanwhile. Your form is as it was."), status=410)


def _unusable(request: HttpRequest, image: Image) -> str:
    if image.review == Review.HELD:
        return _("This picture waits for a reviewer and cannot be used yet.")
    if image.review == Review.REJECTED:
        return _("A reviewer did not release this picture; it cannot be used.")
    if token(request) and door_of(request) is None:
        return _("This window is from another day or another person. Close it and open it again from the form.")
    return ""


def _form(request: HttpRequest, image: Image, door: Door | None) -> LibraryForm:
    said = request.POST if request.method == "POST" else None
    initial = {"focal_x": image.focal_x, "focal_y": image.focal_y, "alt_text": image.alt_text, "title": image.title}
    if door is None:
        return LibraryForm(said, image=image, initial=initial)
    if door.target == "object":
        return RelationForm(said, image=image, initial=initial)
    initial |= {"name": ready_made(image.generation.own_words)}
    initial |= {"crop": request.GET.get("crop", door.ratio)}
    return PlaceForm(said, image=image, door=door, initial=initial)


def _panel(
    page: PlainAdmin, request: HttpRequest, image: Image, door: Door | None, form: LibraryForm, *, picked: str = ""
) -> HttpResponse:
    status = 422 if form.is_bound and not picked else 200
    facts = {"form": form, "image": image, "door": door, "token": token(request), "popup": popup(request)}
    facts |= {"prompt": image.generation.own_words, "address": address(image), "action": to(request, "place", image.pk)}
    facts |= {"slots": tiles.slots(image, door), "back": home(request, image.generation_id)}
    facts |= {"thing": slot.thing(door) if door else ""}
    facts |= {"chosen": str(form["meaning"].value() or "")} if "meaning" in form.fields else {}
    facts |= {"headline": headline.aimed(form), "measured": _measured(request, form)}
    if replies.by_script(request):
        html = render_to_string("imagen/studio/place.html", facts, request)
        return JsonResponse({"html": html}, status=status)
    facts |= {"picked": picked}
    shown = {"title": _title(door), "opts": page.opts, "media": page.media, "is_popup": popup(request)}
    whole = {**page.admin_site.each_context(request), **facts, **shown}
    return TemplateResponse(request, "imagen/studio/place_page.html", whole, status=status)


def _measured(request: HttpRequest, form: LibraryForm) -> dict[str, str]:
    """Where to ask again what is said of the words over it, and for which cut it is said; empty where none is cut."""
    if not headline.moves(form):
        return {}
    cut = {name: form[name].value() for name in ("focal_x", "focal_y", "crop")}
    return {"url": to(request, "contrast", form.image.pk), "cut": urlencode(cut)}


@replies.permitted
def contrast(page: PlainAdmin, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """What is said of the words over the picture, cut as the panel says now; nothing where nobody knows."""
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET"])
    image, door, said = _found(request, pk), door_of(request), None
    if image and door and not _unusable(request, image):
        said = headline.aimed(PlaceForm(request.GET, image=image, door=door))
    return JsonResponse({"html": render_to_string("imagen/studio/contrast.html", {"headline": said})})


def _title(door: Door | None) -> str:
    return _("Before it goes into the form") if door else _("Words for this picture")


# --- done ---


def _placed(page: PlainAdmin, request: HttpRequest, image: Image, door: Door | None, form: LibraryForm) -> HttpResponse:
    if not isinstance(form, PlaceForm) and (changed := form.about_picture):
        if not _may_describe(request, image):
            return replies.plainly(request, sentence("permission_denied"), status=403)
        try:
            pipeline.describe(image, **changed)
        except Refused:
            return gone(request)
    if door is None:
        return _saved(request, image)
    picked = _picked(request, image, door, form) if isinstance(form, PlaceForm) else _chosen(request, image, door)
    if replies.by_script(request):
        return JsonResponse(picked)
    if door.target == "object" and request.headers.get("Sec-Fetch-Dest") != "iframe":  # Django's window, not our dialog
        data = {"value": picked["image"], "obj": picked["name"]}
        return SimpleTemplateResponse("admin/popup_response.html", {"popup_response_data": json.dumps(data)})
    # Sent before the page's script ran: that hands it over from the same page. Without scripts, the page says so.
    return _panel(page, request, image, door, form, picked=json.dumps(picked))


def _may_describe(request: HttpRequest, image: Image) -> bool:
    """The words kept with a picture belong to who asked for it, and to who looks after all of them."""
    user = viewer(request)
    return image.generation.user_id == user.pk or user.has_perm("imagen.change_image")


def _saved(request: HttpRequest, image: Image) -> HttpResponse:
    text = _("Saved with the picture.")
    if replies.by_script(request):
        return JsonResponse({**results.report(request, image.generation, None), "said": text, "saved": True})
    messages.success(request, text)
    return HttpResponseRedirect(home(request, image.generation_id))


def _chosen(request: HttpRequest, image: Image, door: Door) -> dict[str, Any]:
    """The picture itself for a relation, and how it stands for who has no form behind."""
    shown = {"thumbnail": address(image, thumbnail=bool(image.thumbnail)), "alt": image.alt_text}
    name = image.title or image.alt_text or str(image)
    said = {"pick": str(image.pk), "place": door.place, "image": str(image.pk), "name": name, **shown}
    return {**said, **results.report(request, image.generation, door), "said": _("Saved with the picture.")}


def _picked(request: HttpRequest, image: Image, door: Door, form: LibraryForm) -> dict[str, Any]:
    said = form.cleaned_data
    pick = Pick(
        image=str(image.pk),
        place=door.place,
        meaning=said["meaning"],
        alt_text=said["alt_text"],
        name=said["name"],
        focal=(said["focal_x"], said["focal_y"]),
        crop=said["crop"],
        **disclosing.answer(said),
    )
    return {
        "pick": pick.sign(viewer(request)),
        "place": door.place,
        "thumbnail": address(image, thumbnail=bool(image.thumbnail)),
        "alt": pick.alt_text,
        "meaning": pick.meaning,
        "image": pick.image,
        "name": pick.name,
    }

"""Pictures as the admin shows them; a picture held for review stays hidden from everybody but reviewers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from imagen.models import Image

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

MOST_IN_A_ROW = 2


def address(image: Image, *, thumbnail: bool = False) -> str:
    """Our own address of it, which checks who asks; empty where the site mounts no URLs of ours."""
    try:
        return reverse("imagen:thumbnail" if thumbnail else "imagen:image", args=[image.pk])
    except NoReverseMatch:
        return ""


def preview(image: Image, user: AbstractBaseUser, *, alt: str = "") -> SafeString:
    """The preview, or a placeholder that says why there is none."""
    if not image.visible_to(user):
        return format_html('<span class="imagen-held">{}</span>', hidden(image))
    if not address(image):
        return format_html('<span class="imagen-quiet">{}</span>', _("no address"))
    return format_html(
        '<img class="imagen-thumbnail" src="{}" alt="{}" width="{}" height="{}" loading="lazy" decoding="async">',
        *(address(image, thumbnail=bool(image.thumbnail)), alt, image.width, image.height),
    )


def previews(images: Iterable[Image], user: AbstractBaseUser) -> SafeString:
    """The previews of one request side by side."""
    found = sorted(images, key=lambda image: image.index)
    if not found:
        return format_html('<span class="imagen-quiet">{}</span>', "–")
    shown = format_html_join("", "{}", ((preview(image, user),) for image in found[:MOST_IN_A_ROW]))
    more = format_html('<span class="imagen-quiet">+{}</span>', len(found) - MOST_IN_A_ROW)
    return format_html('<span class="imagen-row">{}{}</span>', shown, more if len(found) > MOST_IN_A_ROW else "")


def hidden(image: Image) -> str:
    """Why a picture is not shown."""
    return str(capfirst(image.get_review_display()))


def described(image: Image) -> str:
    """The alt text, or words that stand in for it."""
    return image.alt_text or _("Picture %(number)s, not described yet") % {"number": image.index + 1}

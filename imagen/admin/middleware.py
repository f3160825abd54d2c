"""The news that every page of the admin may bring."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.urls import NoReverseMatch, reverse

from imagen.admin.base import viewer
from imagen.admin.studio import notices


class NewsMiddleware:
    """Put it after Django's messages: the next page of the admin says what is ready, whichever page that is."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request; the messages come before it."""
        if _opens_page(request) and viewer(request).is_active and viewer(request).is_staff:
            notices.tell(request, but=request.GET.get("run", ""))
        return self.get_response(request)


def _opens_page(request: HttpRequest) -> bool:
    """Whether somebody opens a whole page of the admin, and no script, dialog or pop-up asks."""
    if request.method != "GET" or "_popup" in request.GET or not _in_admin(request.path):
        return False
    wanted = request.headers.get("Sec-Fetch-Dest")
    return wanted == "document" if wanted else "text/html" in request.headers.get("Accept", "")


def _in_admin(path: str) -> bool:
    try:
        return path.startswith(reverse("admin:index"))
    except NoReverseMatch:  # its addresses may be off for a while
        return False

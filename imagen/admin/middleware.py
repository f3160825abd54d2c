"""The news that every page of the admin may bring."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from imagen.admin.base import viewer
from imagen.admin.studio import notices


class NewsMiddleware:
    """Put it after Django's messages: the next page of the admin says what is ready, whichever page that is."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """The messages come before the page, once it is known which admin site it belongs to."""
        if _opens_page(request) and viewer(request).is_active and viewer(request).is_staff:
            notices.tell(request, but=request.GET.get("run", ""))


def _opens_page(request: HttpRequest) -> bool:
    """Whether somebody opens a whole page of the admin, and no script, dialog or pop-up asks."""
    if request.method != "GET" or "_popup" in request.GET or not _in_admin(request):
        return False
    wanted = request.headers.get("Sec-Fetch-Dest")
    return wanted == "document" if wanted else "text/html" in request.headers.get("Accept", "")


def _in_admin(request: HttpRequest) -> bool:
    """Whether it is a page of an admin site; there may be several."""
    return request.resolver_match is not None and "admin" in request.resolver_match.app_names

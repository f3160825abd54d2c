"""Pictures there are already that say the same as a description: to look at before anything is paid for."""

from __future__ import annotations

import re
import uuid
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from imagen import placing
from imagen.admin.base import viewer
from imagen.admin.previews import address, described
from imagen.admin.studio.doorway import home, to
from imagen.models import Generation
from imagen.states import Status

LOOKED_AT = 200  # of the newest requests that this person may see
MOST = 6
ENOUGH = 3  # fewer words say too little
ALIKE = 0.7  # of all words in either


def shown(request: HttpRequest, said: str) -> list[dict[str, Any]]:
    """The newest few of them, each with where its request is shown; none of the request that is shown now."""
    runs = [pk for pk in _runs(viewer(request), said) if str(pk) != request.POST.get("run")]
    found = placing.placeable(viewer(request)).filter(discarded_at=None, generation__in=runs) if runs else []
    newest = sorted(found, key=lambda image: (runs.index(image.generation_id), image.index))
    return [
        {
            "thumbnail": address(image, thumbnail=bool(image.thumbnail)),
            "alt": _("Show: %(picture)s") % {"picture": described(image)},
            "page": home(request, image.generation_id),
            "state": to(request, "state", image.generation_id),
        }
        for image in newest[:MOST]
    ]


def _runs(user: Any, said: str) -> list[uuid.UUID]:
    ours = _words(said)
    if len(ours) < ENOUGH:
        return []
    done = Generation.objects.of(user).standing().filter(status__in=(Status.COMPLETED, Status.PARTIAL))
    known = done.order_by("-created_at", "-pk").values_list("pk", "wording__own", "prompt")[:LOOKED_AT]
    return [pk for pk, own, prompt in known if _alike(ours, _words(own or prompt))]


def _alike(ours: set[str], theirs: set[str]) -> bool:
    return len(ours & theirs) >= ALIKE * len(ours | theirs)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))

"""What people do with one picture: describe it, judge it, delete it.

Its request is written first, everywhere: who erases that takes both in this order too, and nobody waits in a circle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from imagen import files, outages
from imagen.exceptions import Conflict, Refused
from imagen.models import Event, Image
from imagen.states import Review

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


@outages.begun_again
def discard(image: Image, *, actor: AbstractBaseUser | None = None) -> None:
    """Delete one picture and its files; its generation stays, and so does what was paid."""
    with transaction.atomic():
        files.doom(image.files)
        Event.objects.create(generation=image.generation, what="picture deleted", actor_id=actor.pk if actor else None)
        image.generation.save_changes()
        image.delete()


@outages.begun_again
def describe(image: Image, **facts: Any) -> Image:
    """Set ``alt_text``, ``title`` or the focal point of a picture; readers of its generation notice.

    ``Refused`` when it was deleted meanwhile.
    """
    with transaction.atomic():
        image.generation.save_changes()
        if not Image.objects.filter(pk=image.pk).update(**facts):
            raise Refused(code="not_found")
        image.refresh_from_db()
    return image


@outages.begun_again
def review(image: Image, verdict: Review, *, actor: AbstractBaseUser) -> None:
    """Release or reject a picture held for review; rejecting refunds nothing. ``Conflict`` when it is not held."""
    with transaction.atomic():
        image.generation.save_changes(unseen=True)  # who asked for it is told
        if not Image.objects.filter(pk=image.pk, review=Review.HELD).update(review=verdict):
            raise Conflict(state=image.get_review_display())
        Event.objects.create(generation=image.generation, what=f"picture {verdict}", actor_id=actor.pk)

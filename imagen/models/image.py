"""The pictures we hold."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import Storage, storages
from django.core.signals import setting_changed
from django.db import models
from django.utils.functional import SimpleLazyObject, empty
from django.utils.translation import gettext_lazy as _

from imagen.conf import settings
from imagen.states import Review

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


def _named() -> Storage:
    try:
        alias = settings.STORAGE
    except ImproperlyConfigured:  # models load before checks: the check says what is wrong
        alias = "default"
    return storages[alias if alias in storages.backends else "default"]


_pictures: Any = SimpleLazyObject(_named)


def storage() -> Storage:
    """Where pictures are kept: the alias of ``IMAGEN["STORAGE"]``, or the default storage without it."""
    return cast("Storage", _pictures)


def _reload(*, setting: str, **kwargs: Any) -> None:
    if setting in ("IMAGEN", "STORAGES", "MEDIA_ROOT"):
        _pictures._wrapped = empty


setting_changed.connect(_reload, dispatch_uid="imagen.storage")


class ImageQuerySet(models.QuerySet["Image"]):
    """Questions about pictures in the words of the field."""

    def of(self, user: AbstractBaseUser) -> ImageQuerySet:
        """The pictures this person may see: their own, or all with the permission."""
        if user.has_perm("imagen.view_all"):  # type: ignore[attr-defined]  # AbstractBaseUser leaves permissions to its mixin
            return self
        return self.filter(generation__user=user.pk)

    def standing(self) -> ImageQuerySet:
        """Pictures of generations nobody deleted."""
        return self.filter(generation__deleted_at=None)

    def public(self) -> ImageQuerySet:
        """Pictures a page refers to, or did; what an image field holds is a copy, and its original stays ours.

        So does the example of a style: who is offered that sees a small one.
        """
        from imagen.models.studio import Placement  # noqa: PLC0415  # the two rows know each other

        elsewhere = Placement.objects.filter(file_name="").exclude(content_type__app_label=Image._meta.app_label)
        return self.standing().filter(pk__in=elsewhere.values("image"))


class Image(models.Model):
    """One output in our storage; ``sha256`` and ``bytes`` describe what its address serves."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    generation = models.ForeignKey(
        "imagen.Generation", models.CASCADE, related_name="images", verbose_name=_("request")
    )
    job = models.ForeignKey("imagen.Job", models.CASCADE, related_name="images", verbose_name=_("call"))
    index = models.PositiveSmallIntegerField(_("number"))
    file = models.FileField(_("file"), storage=storage, max_length=300)
    thumbnail = models.FileField(_("preview"), storage=storage, max_length=300, blank=True, default="")
    width = models.PositiveIntegerField(_("width"))
    height = models.PositiveIntegerField(_("height"))
    format = models.CharField(_("format"), max_length=10)
    bytes = models.PositiveBigIntegerField(_("size in bytes"))
    sha256 = models.CharField(max_length=64)
    alt_text = models.CharField(_("alt text"), max_length=500, blank=True, default="")
    title = models.CharField(_("title"), max_length=200, blank=True, default="")
    flagged = models.BooleanField(_("flagged by the provider"), null=True, default=None)
    review = models.CharField(_("review"), max_length=10, choices=Review.choices, default="none")
    provider_model = models.CharField(_("made by"), max_length=150)
    focal_x = models.PositiveSmallIntegerField(_("focal point, per cent from the left"), default=50)
    focal_y = models.PositiveSmallIntegerField(_("focal point, per cent from the top"), default=50)
    discarded_at = models.DateTimeField(_("discarded"), null=True)
    created_at = models.DateTimeField(_("made"))

    objects = ImageQuerySet.as_manager()

    class Meta:
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        ordering = ("-created_at", "-pk")
        default_permissions = ("view", "change", "delete")
        permissions = (("review", _("Can release pictures held for review")),)
        indexes = (
            models.Index(fields=("-created_at", "-id"), name="imagen_image_newest"),
            models.Index(fields=("review",), name="imagen_image_held", condition=models.Q(review="held")),
        )
        constraints = (models.UniqueConstraint(fields=("generation", "index"), name="imagen_image_one_per_place"),)

    def __str__(self) -> str:
        return self.title or str(self.pk)

    @property
    def withheld(self) -> bool:
        """Whether only reviewers may see it."""
        return self.review in (Review.HELD, Review.REJECTED)

    def visible_to(self, user: AbstractBaseUser) -> bool:
        """Whether this person may see the pixels."""
        return not self.withheld or user.has_perm("imagen.review")  # type: ignore[attr-defined]  # as above

    @property
    def files(self) -> tuple[str, ...]:
        """The names of everything in storage that belongs to this picture."""
        return tuple(name for name in (self.file.name, self.thumbnail.name) if name)

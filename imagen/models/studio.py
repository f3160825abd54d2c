"""What the Studio works with: house rules, styles, templates, and where a picture was placed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings as django_settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from imagen.conf import ALWAYS, settings
from imagen.models.generation import Generation
from imagen.models.image import Image

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


class Studio(Generation):
    """The page where editors make pictures: no table of its own, a name in the admin's list."""

    class Meta:
        proxy = True
        verbose_name = _("Studio")
        verbose_name_plural = format_lazy(" {}", _("Studio"))  # the admin sorts by it: the blank puts it first, unseen
        default_permissions = ()


class OwnedQuerySet(models.QuerySet["Owned"]):
    """Questions about what is shared or somebody's own."""

    def of(self, user: AbstractBaseUser) -> OwnedQuerySet:
        """What this person may use: what is shared, and their own."""
        return self.filter(Q(owner=None) | Q(owner=user.pk))


class Owned(models.Model):
    """Something with a name and a place in a row, shared with everybody or one person's own (``owner``)."""

    name = models.CharField(_("name"), max_length=80)
    owner = models.ForeignKey(
        django_settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("only for"),
        help_text=_("Leave it empty to share it with everybody."),
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    active = models.BooleanField(_("offered"), default=True)
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ("position", "name", "pk")

    def __str__(self) -> str:
        return self.name


class Style(Owned):
    """A look, as words that are added to a description; ``example`` shows it."""

    words = models.TextField(_("words"), max_length=1000, help_text=_("Added after the description."))
    avoid = models.TextField(
        _("to avoid"), max_length=1000, blank=True, default="", help_text=_("Only models that can avoid things use it.")
    )
    example = models.ForeignKey(
        Image, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("example")
    )

    class Meta(Owned.Meta):
        verbose_name = _("style")
        verbose_name_plural = _("styles")


class Template(Owned):
    """A description with gaps in curly brackets, ``{animal}``, that are filled before it is used."""

    text = models.TextField(
        _("text"), max_length=5000, help_text=_("Gaps stand in curly brackets: a {animal} in the snow.")
    )
    style = models.ForeignKey(Style, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("style"))

    class Meta(Owned.Meta):
        verbose_name = _("template")
        verbose_name_plural = _("templates")


class HouseRule(models.Model):
    """Words that are added to every description; a ``locked`` rule cannot be taken away for one picture."""

    name = models.CharField(_("name"), max_length=80)
    words = models.TextField(_("words"), max_length=1000, help_text=_("Added after the description."))
    locked = models.BooleanField(
        _("always"), default=False, help_text=_("Editors cannot leave it out for a single picture.")
    )
    active = models.BooleanField(_("in use"), default=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("house rule")
        verbose_name_plural = _("house rules")
        ordering = ("position", "name", "pk")

    def __str__(self) -> str:
        return self.name


class Meaning(models.TextChoices):
    """What a picture is for on its page, after the W3C's decision tree."""

    INFORMATIVE = "informative", _("It shows something readers need to know")
    FUNCTIONAL = "functional", _("It is a link or a button")
    DECORATIVE = "decorative", _("It only decorates the page")


class Disclosure(models.TextChoices):
    """Whether a reader could take a picture for a photograph of something real, as its editor saw it."""

    YES = "yes", _("Yes")
    NO = "no", _("No")
    ILLUSTRATION = "illustration", _("It is plainly an illustration")


QUESTION = 1  # the version of what is asked; a change of its sense is the next
UNLABELLED = (Disclosure.NO, Disclosure.ILLUSTRATION)


class Placement(models.Model):
    """One use of a picture: on which object and field, with which words, by whom and when, until ``ended_at``.

    ``question`` is the version of what ``disclosure`` answers, 0 where nobody was asked.
    """

    image = models.ForeignKey(Image, models.SET_NULL, null=True, related_name="placements", verbose_name=_("picture"))
    content_type = models.ForeignKey("contenttypes.ContentType", models.CASCADE, related_name="+")
    object_id = models.CharField(max_length=255)
    field = models.CharField(_("field"), max_length=100)
    meaning = models.CharField(_("purpose"), max_length=12, choices=Meaning.choices)
    alt_text = models.CharField(_("alt text"), max_length=500, blank=True, default="")
    file_name = models.CharField(_("file name"), max_length=300, blank=True, default="")
    disclosure = models.CharField(
        _("could be taken for real"), max_length=12, choices=Disclosure.choices, blank=True, default=""
    )
    reason = models.CharField(_("why not"), max_length=200, blank=True, default="")
    question = models.PositiveSmallIntegerField(default=0, editable=False)
    renditions = models.JSONField(default=list, editable=False)  # [[width, name], …], the smallest first
    user = models.ForeignKey(
        django_settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("placed by")
    )
    placed_at = models.DateTimeField(_("placed"), default=timezone.now)
    ended_at = models.DateTimeField(_("replaced"), null=True)

    class Meta:
        verbose_name = _("placement")
        verbose_name_plural = _("placements")
        ordering = ("-placed_at", "-pk")
        default_permissions = ("view",)
        indexes = (models.Index(fields=("content_type", "object_id", "field"), name="imagen_placement_where"),)

    def __str__(self) -> str:
        return f"{self.field} {self.object_id}"

    @property
    def labelled(self) -> bool:
        """Whether readers are told that AI made it: unless the site asks and somebody said there is no need."""
        return settings.DISCLOSURE == ALWAYS or self.disclosure not in UNLABELLED

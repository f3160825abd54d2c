"""The magazine's articles: words, a hero picture with its alt text, and a date from which readers see them."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser, User
from django.core.validators import FileExtensionValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from project.articles import plates


class ArticleQuerySet(models.QuerySet["Article"]):
    """Questions about articles in the words of the field."""

    def live(self) -> ArticleQuerySet:
        """What every reader may see now."""
        return self.filter(published=True, published_at__lte=timezone.now())

    def visible_to(self, user: User | AnonymousUser) -> ArticleQuerySet:
        """What this person may see: staff who work on the magazine see drafts too."""
        return self if user.is_staff and user.has_module_perms("articles") else self.live()


class Article(models.Model):
    """One story; its hero is a public copy, so that it stays when the picture it came from is deleted."""

    title = models.CharField(_("title"), max_length=120)
    slug = models.SlugField(_("address"), max_length=120, unique=True)
    section = models.CharField(_("section"), max_length=30, blank=True, default="")
    byline = models.CharField(_("by"), max_length=80, blank=True, default="")
    summary = models.TextField(_("summary"), max_length=300)
    body = models.TextField(_("text"))
    hero = models.ImageField(
        _("picture"),
        upload_to="articles/%Y/%m/",
        width_field="hero_width",
        height_field="hero_height",
        validators=[FileExtensionValidator(plates.ENDINGS)],
        blank=True,
    )
    hero_small = models.FileField(upload_to="articles/%Y/%m/", blank=True, default="", editable=False)
    hero_width = models.PositiveIntegerField(null=True, editable=False)
    hero_height = models.PositiveIntegerField(null=True, editable=False)
    hero_alt = models.CharField(_("alt text"), max_length=300, blank=True, default="")
    hero_decorates = models.BooleanField(default=False, editable=False)
    published = models.BooleanField(_("published"), default=False)
    published_at = models.DateTimeField(_("date"), default=timezone.now)

    objects = ArticleQuerySet.as_manager()

    class Meta:
        verbose_name = _("article")
        verbose_name_plural = _("articles")
        ordering = ("-published_at", "-pk")
        indexes = (models.Index(fields=("published", "-published_at", "-id"), name="articles_newest"),)
        constraints = (
            models.CheckConstraint(
                condition=Q(hero="") | ~Q(hero_alt="") | Q(hero_decorates=True),
                name="articles_hero_is_described",
                violation_error_message=_("A picture needs an alt text."),
            ),
        )

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("article", args=[self.slug])

    @property
    def live(self) -> bool:
        """Whether every reader may see it now."""
        return self.published and self.published_at <= timezone.now()

    @property
    def small_width(self) -> int:
        """How wide the small copy of the hero is."""
        return min(plates.SMALL, self.hero_width or plates.SMALL)

    def illustrate(self, file: plates.Upload | None) -> None:
        """Take this hero and a small copy of it, or none; the files reach storage when the article is saved."""
        self.hero = file or ""
        self.hero_small = plates.small(file) if file else ""


class Figure(models.Model):
    """A further picture below the words of an article."""

    article = models.ForeignKey(Article, models.CASCADE, related_name="figures")
    picture = models.ImageField(
        _("picture"),
        upload_to="articles/%Y/%m/",
        width_field="width",
        height_field="height",
        validators=[FileExtensionValidator(plates.ENDINGS)],
    )
    width = models.PositiveIntegerField(null=True, editable=False)
    height = models.PositiveIntegerField(null=True, editable=False)
    alt = models.CharField(_("alt text"), max_length=300, blank=True, default="")
    caption = models.CharField(_("caption"), max_length=200, blank=True, default="")

    class Meta:
        verbose_name = _("figure")
        verbose_name_plural = _("figures")
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.caption or self.alt or str(self._meta.verbose_name)

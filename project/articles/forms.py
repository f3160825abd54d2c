"""How an editor writes an article and puts a picture on it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from imagen.models import Image
from project.articles import plates
from project.articles.models import Article

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Article]
else:  # it cannot be subscripted at run time
    ModelForm = forms.ModelForm

LONGEST_ALT = 300


class PictureInput(forms.TextInput):
    """Shows the chosen picture and opens the admin's pop-up window to choose another."""

    template_name = "articles/picture_input.html"

    class Media:
        css = {"all": ["project/admin.css"]}
        js = ["admin/js/jquery.init.js", "project/picture.js"]

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """The value as an id, so that nothing else gets into an address."""
        pk = _uuid(value)
        places = {"picker": reverse("admin:articles_article_pictures"), "pattern": _thumbnail(UUID(int=0))}
        shown = {"chosen": pk, "thumbnail": pk and _thumbnail(pk), "nothing": UUID(int=0), **places}
        return {**super().get_context(name, str(pk or ""), attrs), **shown}

    def id_for_label(self, id_: str) -> str:
        """None: the label stands above two buttons."""
        return ""


def _thumbnail(pk: UUID) -> str:
    return reverse("imagen:thumbnail", args=[pk])


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None


class ArticleForm(ModelForm):
    """An article; a new hero comes from a file or is copied from a generated picture, and needs a real alt text."""

    viewer: ClassVar[User]
    offered: ClassVar[Image | None] = None

    picture = forms.ModelChoiceField(
        Image.objects.none(),
        required=False,
        widget=PictureInput,
        label=_("Generated picture"),
        help_text=_("A copy goes on the page. From then on it is public, whatever becomes of the original."),
        error_messages={
            "invalid_choice": _("This picture cannot be used: it is held, rejected, deleted or not yours.")
        },
    )

    class Meta:
        model = Article
        fields = (
            *("title", "slug", "section", "byline", "summary", "body"),
            *("hero", "hero_alt", "published", "published_at"),
        )
        widgets: ClassVar[dict[str, Any]] = {
            "summary": forms.Textarea(attrs={"rows": 3}),
            "body": forms.Textarea(attrs={"rows": 22}),
            "hero_alt": forms.Textarea(attrs={"rows": 2, "maxlength": LONGEST_ALT}),
            "published_at": forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        }
        field_classes: ClassVar[dict[str, Any]] = {"published_at": forms.DateTimeField}
        labels: ClassVar[dict[str, Any]] = {"hero": _("Or a file of your own")}
        help_texts: ClassVar[dict[str, Any]] = {
            "body": _("A blank line starts a new paragraph; a line that starts with ## is a heading."),
            "hero_alt": _("What the picture shows, for people who cannot see it."),
            "published_at": _("A date in the future holds the article back until then. Times are UTC."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.plate: plates.Plate | None = None
        self.fields["picture"].queryset = plates.placeable(self.viewer)  # type: ignore[attr-defined]  # a plain Field has none
        if self.offered:
            self._offer(self.offered)

    def _offer(self, picture: Image) -> None:
        self.initial["picture"] = picture.pk
        if not self.instance.hero_alt:
            self.initial["hero_alt"] = picture.alt_text[:LONGEST_ALT]

    def clean(self) -> dict[str, Any]:
        """Make the new hero ready and insist on words for whatever the page will show."""
        super().clean()
        self.plate = self._plate()
        self._check_alt()
        return self.cleaned_data

    def _plate(self) -> plates.Plate | None:
        picture = self.cleaned_data.get("picture")
        upload = self.cleaned_data.get("hero") if "hero" in self.changed_data else None
        if picture and upload:
            self.add_error("picture", _("Choose a generated picture or a file, not both."))
            return None
        try:
            if picture:
                return plates.of_picture(picture, title=self.cleaned_data.get("title", ""))
            return plates.of_upload(upload) if upload else None
        except plates.Unusable as error:
            self.add_error("picture" if picture else "hero", str(error))
            return None

    def _check_alt(self) -> None:
        told = self.cleaned_data.get("hero_alt", "")
        stays = self.instance.hero and self.cleaned_data.get("hero") is not False
        if not told and (self.plate or stays):
            self.add_error("hero_alt", _("Say what the picture shows; without it the page keeps it from some readers."))
        elif told and _words(told) == self._asked():
            self.add_error("hero_alt", _("This is what the picture was asked for. Say what it shows."))

    def _asked(self) -> list[str] | None:
        source = self.plate.source if self.plate else self.instance.hero_source
        return _words(source.generation.prompt) if source else None

    def save(self, commit: bool = True) -> Article:
        """Put the new hero on the article, or take the old one off."""
        if self.plate or not self.instance.hero:
            self.instance.illustrate(self.plate)
        return super().save(commit=commit)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())

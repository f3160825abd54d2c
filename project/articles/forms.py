"""How an editor writes an article: a picture on a page needs words of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from imagen import placing
from project.articles import plates
from project.articles.models import Article

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Article]
else:  # it cannot be subscripted at run time
    ModelForm = forms.ModelForm

LONGEST_ALT = 300


class ArticleForm(ModelForm):
    """An article; whatever picture the page will show needs a real alt text."""

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
        help_texts: ClassVar[dict[str, Any]] = {
            "body": _("A blank line starts a new paragraph; a line that starts with ## is a heading."),
            "hero_alt": _("What the picture shows, for people who cannot see it."),
            "published_at": _("A date in the future holds the article back until then. Times are UTC."),
        }

    def clean(self) -> dict[str, Any]:
        """Make the small copy and insist on words for whatever the page will show."""
        super().clean()
        self.small: plates.Bytes | None = self._small()
        self._check_alt()
        return self.cleaned_data

    def _small(self) -> plates.Bytes | None:
        new = self.cleaned_data.get("hero") if "hero" in self.changed_data else None
        try:
            return plates.small(new) if new else None
        except plates.Unusable as error:
            self.add_error("hero", str(error))
            return None

    def _check_alt(self) -> None:
        told, shown = self.cleaned_data.get("hero_alt", ""), self.cleaned_data.get("hero")
        if shown and not told:
            self.add_error("hero_alt", _("Say what the picture shows; without it the page keeps it from some readers."))
        elif shown and _words(told) in self._asked(shown):
            self.add_error("hero_alt", _("This is what the picture was asked for. Say what it shows."))

    def _asked(self, shown: Any) -> list[list[str]]:
        placed = None if "hero" in self.changed_data else placing.current(self.instance, "hero")
        image = placed.image if placed else getattr(shown, "imagen_image", None)
        return [_words(text) for text in (image.generation.prompt, image.generation.own_words)] if image else []

    def save(self, commit: bool = True) -> Article:
        """Keep the small copy beside a new hero, and none without a hero."""
        if "hero" in self.changed_data:
            self.instance.hero_small = self.small or ""
        return super().save(commit=commit)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())

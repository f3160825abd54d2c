"""How an editor writes an article: a picture on a page needs words of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from imagen import placing
from imagen.models import Meaning, Placement
from project.articles import plates
from project.articles.models import Article, Figure

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
else:  # it cannot be subscripted at run time
    ModelForm = forms.ModelForm

LONGEST_ALT = 300


class DescribedForm(ModelForm):
    """A picture on a page needs a real alt text, unless it was said to be mere decoration."""

    picture, words = "picture", "alt"

    def clean(self) -> dict[str, Any]:
        """Insist on words for whatever the page will show."""
        super().clean()
        told, shown = self.cleaned_data.get(self.words, ""), self.cleaned_data.get(self.picture)
        self.decorates = bool(shown) and not told and self._only_decorates(shown)
        if shown and not told and not self.decorates:
            self.add_error(self.words, _("Say what the picture shows; without it the page keeps it from some readers."))
        elif shown and _words(told) in self._asked(shown):
            self.add_error(self.words, _("This is what the picture was asked for. Say what it shows."))
        return self.cleaned_data

    def _only_decorates(self, shown: Any) -> bool:
        said = getattr(shown, "imagen_pick", None) or self._placed()
        return said is not None and said.meaning == Meaning.DECORATIVE

    def _asked(self, shown: Any) -> list[list[str]]:
        placed = self._placed()
        image = placed.image if placed else getattr(shown, "imagen_image", None)
        return [_words(text) for text in (image.generation.prompt, image.generation.own_words)] if image else []

    def _placed(self) -> Placement | None:
        return None if self.picture in self.changed_data else placing.current(self.instance, self.picture)


class FigureForm(DescribedForm):
    """A further picture."""

    class Meta:
        model = Figure
        fields = ("picture", "alt", "caption")


class ArticleForm(DescribedForm):
    """An article and its hero."""

    picture, words = "hero", "hero_alt"

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
        """The words, and the small copy."""
        super().clean()
        self.instance.hero_decorates = self.decorates
        self.small: plates.Bytes | None = self._small()
        return self.cleaned_data

    def _small(self) -> plates.Bytes | None:
        new = self.cleaned_data.get("hero") if "hero" in self.changed_data else None
        try:
            return plates.small(new) if new else None
        except plates.Unusable as error:
            self.add_error("hero", str(error))
            return None

    def save(self, commit: bool = True) -> Article:
        """Keep the small copy beside a new hero, and none without a hero."""
        if "hero" in self.changed_data:
            self.instance.hero_small = self.small or ""
        saved: Article = super().save(commit=commit)
        return saved


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())

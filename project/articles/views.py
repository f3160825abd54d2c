"""The magazine's pages: a cover and one page per article."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.views.generic import DetailView, ListView

from imagen import placing
from project.articles.models import Article

if TYPE_CHECKING:
    Many = ListView[Article]
    One = DetailView[Article]
else:  # neither can be subscripted at run time
    Many = ListView
    One = DetailView

MORE = 3


class Cover(Many):
    """The newest story first and large, the others below; older ones on further pages."""

    template_name = "articles/cover.html"
    paginate_by = 12

    def get_queryset(self) -> QuerySet[Article]:
        """What every reader may see."""
        return Article.objects.live()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The stories of this page; only the first page has a lead."""
        context = super().get_context_data(**kwargs)
        stories = list(context["object_list"])
        placing.look_up(stories, "hero")
        first = context["page_obj"].number == 1
        lead = stories.pop(0) if first and stories else None
        return {**context, "lead": lead, "stories": stories}


class Story(One):
    """One article; a draft is there for those who work on the magazine alone."""

    template_name = "articles/story.html"

    def get_queryset(self) -> QuerySet[Article]:
        """What this person may see."""
        return Article.objects.visible_to(self.request.user).prefetch_related("figures")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The article, and what else there is to read."""
        more = list(Article.objects.live().exclude(pk=self.object.pk)[:MORE])
        placing.look_up([self.object, *more], "hero")
        placing.look_up(self.object.figures.all(), "picture")
        return super().get_context_data(more=more, **kwargs)

"""The demo's addresses, with articles on the theme's own classes."""

from django.contrib import admin
from django.urls import include, path
from unfold.admin import ModelAdmin, StackedInline

from project.articles.admin import ArticleAdmin, FigureInline
from project.articles.models import Article


class ThemedInline(FigureInline, StackedInline):
    """Ours before the theme's."""


class ThemedArticleAdmin(ArticleAdmin, ModelAdmin):
    """The mixin, then the theme's base class."""

    inlines = [ThemedInline]


admin.site.unregister(Article)
admin.site.register(Article, ThemedArticleAdmin)
urlpatterns = [path("", include("project.urls"))]  # read only now: the admin lists its pages when it is included

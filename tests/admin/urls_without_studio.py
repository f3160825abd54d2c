"""An admin that has articles and no Studio."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from project.articles.admin import ArticleAdmin
from project.articles.models import Article

site = admin.AdminSite(name="admin")
site.register(Article, ArticleAdmin)
urlpatterns = [path("admin/", site.urls)]

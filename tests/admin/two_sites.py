"""A site with two admins: one for everybody, and a desk of its own for editors."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from imagen.admin import GenerationAdmin, ImageAdmin
from imagen.admin.studio.page import StudioAdmin
from imagen.models import Generation, Image, Studio
from project.articles.admin import ArticleAdmin
from project.articles.models import Article
from project.urls import urlpatterns as demo

desk = admin.AdminSite(name="desk")
desk.register(Studio, StudioAdmin)
desk.register(Image, ImageAdmin)
desk.register(Generation, GenerationAdmin)
desk.register(Article, ArticleAdmin)
urlpatterns = [path("desk/", desk.urls), *demo]

"""The demo site under django-jazzmin."""

from project.settings import *  # noqa: F403  # an overlay
from project.settings import INSTALLED_APPS as OURS

INSTALLED_APPS = ["jazzmin", *OURS]
JAZZMIN_SETTINGS = {"use_google_fonts_cdn": False}
JAZZMIN_UI_TWEAKS = {"default_theme_mode": "auto"}

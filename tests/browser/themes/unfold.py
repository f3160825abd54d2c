"""The demo site under django-unfold, its articles on that theme's own base class."""

from project.settings import *  # noqa: F403  # an overlay
from project.settings import INSTALLED_APPS as OURS

INSTALLED_APPS = ["unfold", *OURS]
ROOT_URLCONF = "tests.browser.themes.unfold_urls"

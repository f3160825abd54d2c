"""What providers said they sell, as the last sync read it."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Listing(models.Model):
    """One offer as its provider lists it; ``gone_since`` when the lists have not had it any more.

    ``facts`` amend or describe the offer in the words of ``Offer.amend``; the site's own OFFERS win over them.
    """

    provider = models.CharField(_("service"), max_length=50)
    provider_model = models.CharField(_("model there"), max_length=150)
    model = models.CharField(_("model"), max_length=100)
    facts = models.JSONField(default=dict)
    gone_since = models.DateTimeField(_("no longer listed since"), null=True)
    read_at = models.DateTimeField(_("read"), default=timezone.now)

    class Meta:
        verbose_name = _("listing")
        verbose_name_plural = _("listings")
        default_permissions = ("view",)
        constraints = (models.UniqueConstraint(fields=("provider", "provider_model"), name="imagen_listing_unique"),)

    def __str__(self) -> str:
        return f"{self.provider} {self.provider_model}"

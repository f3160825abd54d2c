"""What the rest of a site may listen to, sent after the commit, robustly; and one that is ours alone."""

from __future__ import annotations

from django.dispatch import Signal

generation_finished = Signal()
"""Sent with ``generation`` when nothing of it is under way any more."""

image_stored = Signal()
"""Sent with ``image`` when a picture is in storage and its row is committed."""

generations_turned = Signal()
"""Our own: sent with ``generations`` within the transaction in which each of them came to an end, or into doubt."""

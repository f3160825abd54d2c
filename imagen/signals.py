"""What the rest of a site may listen to; both are sent after the commit, robustly."""

from __future__ import annotations

from django.dispatch import Signal

generation_finished = Signal()
"""Sent with ``generation`` when nothing of it is under way any more."""

image_stored = Signal()
"""Sent with ``image`` when a picture is in storage and its row is committed."""

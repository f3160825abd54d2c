"""A site that mounts nothing of ours."""

from __future__ import annotations

urlpatterns: list[object] = []

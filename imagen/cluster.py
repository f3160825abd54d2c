"""Whether the django-q2 cluster that this process works for is stopping: django-q2 itself does not tell its workers."""

from __future__ import annotations

import logging
import mmap
from collections.abc import Callable
from functools import wraps
from typing import Any

logger = logging.getLogger("imagen")
_flag: mmap.mmap | None = None  # one byte that a cluster shares with all it forks; none outside of a cluster


def stopping() -> bool:
    """Whether the first process of this worker's cluster was asked to stop; never outside of a cluster."""
    return _flag is not None and _flag[0] == 1


def listen() -> None:
    """Have each cluster that starts in this process tell its workers when it stops."""
    try:
        from django_q.cluster import Cluster  # noqa: PLC0415  # apps are not loaded before
        from django_q.signals import post_spawn  # noqa: PLC0415  # likewise

        Cluster.start, Cluster.stop = _sharing(Cluster.start), _telling(Cluster.stop)
        post_spawn.connect(_spawned, dispatch_uid="imagen.cluster")
    except (ImportError, AttributeError):  # another django-q2 than we know
        _regret()


def _sharing(start: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(start)
    def shared(cluster: Any, *args: Any, **kwargs: Any) -> Any:
        global _flag  # noqa: PLW0603  # what is forked from here on inherits it
        _flag = cluster.imagen_flag = mmap.mmap(-1, 1)
        return start(cluster, *args, **kwargs)

    return shared


def _telling(stop: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(stop)
    def told(cluster: Any, *args: Any, **kwargs: Any) -> Any:
        if (flag := getattr(cluster, "imagen_flag", None)) is not None:
            flag[0] = 1  # without a lock: this runs inside a signal handler, and who reads may be killed at any moment
        return stop(cluster, *args, **kwargs)

    return told


def _spawned(**kwargs: Any) -> None:
    if _flag is None:
        _regret()


def _regret() -> None:
    logger.warning("django-q2 does not say when its cluster stops; a slice under way then goes on to its end")

"""The demo project's settings with the addresses and the cluster that measuring needs."""

from __future__ import annotations

import os

from project.settings import *  # noqa: F403  # a settings module is read as a whole
from project.settings import Q_CLUSTER

ROOT_URLCONF = "bench.urls"
ALLOWED_HOSTS = ["127.0.0.1"]
# The naive design holds one worker per picture; its task must not be rung again while it runs.
Q_CLUSTER = {**Q_CLUSTER, "workers": int(os.environ.get("BENCH_WORKERS", "2"))}
if "BENCH_WORKERS" in os.environ:
    Q_CLUSTER |= {"queue_limit": Q_CLUSTER["workers"]}

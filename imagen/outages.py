"""Which errors of a database pass by themselves, and how often a whole transaction may begin again."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import Error, InterfaceError, OperationalError, connection

P = ParamSpec("P")
T = TypeVar("T")
AWAY = (OperationalError, InterfaceError)
TRIES = 3
PAUSE_SECONDS = 0.05

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_NOT_READY = frozenset({"25006", "42P01", "42703"})  # a standby, a table or a column that is not there (yet)
_IN_THE_WAY = frozenset({"40001", "40P01"})  # two transactions that could not both be true, or wait for each other


def passing(error: BaseException) -> bool:
    """Whether the database is away, or not as we need it yet: what was asked works later as it is."""
    return isinstance(error, AWAY) or (isinstance(error, Error) and _state(error) in _NOT_READY)


def collided(error: BaseException) -> bool:
    """Whether the database ended this transaction so that another could go on: the same again will do."""
    return isinstance(error, OperationalError) and _state(error) in _IN_THE_WAY


def begun_again(work: Callable[P, T]) -> Callable[P, T]:
    """``work`` opens a transaction of its own: after a collision it is done from the start, three times at most.

    Inside somebody else's transaction it is theirs to begin again.
    """

    @functools.wraps(work)
    def patient(*args: P.args, **kwargs: P.kwargs) -> T:
        for again in range(1, TRIES):
            try:
                return work(*args, **kwargs)
            except OperationalError as error:
                if connection.in_atomic_block or not collided(error):
                    raise
                time.sleep(PAUSE_SECONDS * again)
        return work(*args, **kwargs)

    return patient


def _state(error: Error) -> str:
    return str(getattr(error.__cause__, "sqlstate", ""))

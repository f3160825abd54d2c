"""The engine as ``imagen_worker`` runs it, its transactions counted: SIGUSR1 prints how many there were.

``--plain`` leaves out decoding, marks and previews, to show what they cost; ``--profile FILE`` writes a profile.
"""

from __future__ import annotations

import hashlib
import signal
import struct
import sys
from typing import Any

import django
from django.db import transaction
from django.db.backends.signals import connection_created


class Counter:
    """Counts transactions: whole atomic blocks, and statements outside of any."""

    def __init__(self) -> None:
        self.found = 0

    def install(self) -> None:
        """Watch every connection of this process."""
        enter = transaction.Atomic.__enter__

        def counted(atomic: transaction.Atomic) -> None:
            self.found += not transaction.get_connection(atomic.using).in_atomic_block
            enter(atomic)

        transaction.Atomic.__enter__ = counted  # type: ignore[method-assign]
        connection_created.connect(self._watch, weak=False)
        signal.signal(signal.SIGUSR1, lambda *_: print(self.found, flush=True))

    def _watch(self, connection: Any, **kwargs: Any) -> None:
        connection.execute_wrappers.append(self._statement)

    def _statement(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.found += not (context["connection"].in_atomic_block or sql.startswith("BEGIN"))
        return execute(sql, params, many, context)


def plain() -> None:
    """Keep pictures as they come, hashed but neither decoded nor marked, and without a preview."""
    from imagen import files  # noqa: PLC0415  # Django is not ready before

    def prepare(data: bytes, *, system: str) -> files.Ready:
        width, height = struct.unpack(">II", data[16:24])
        digest = hashlib.sha256(data).hexdigest()
        return files.Ready(data=data, small=b"", width=width, height=height, format="png", sha256=digest)

    def store(name: str, data: bytes) -> str:
        return whole(name, data) if data else ""

    whole, files._store = files._store, store
    files.prepare = prepare


def main(arguments: list[str]) -> None:
    """Serve until SIGTERM."""
    django.setup()
    Counter().install()
    if "--plain" in arguments:
        plain()
    from imagen import engine  # noqa: PLC0415  # Django is not ready before

    engine.serve(ready=lambda: print("ready", flush=True))


if __name__ == "__main__":
    main(sys.argv[1:])

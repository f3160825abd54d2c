"""A gateway on loopback that speaks every vendor's wire over real sockets and misbehaves on command.

In Python: ``with Gateway() as gateway: …``. As a process: ``python -m imagen.testing.gateway --port 9400``.
Vendors are told apart by path: WaveSpeed at ``/api/v3/``, Apiframe at ``/v2/``, API in One at ``/api/v1/``; the
pictures are at ``/files/``, and ``/__ctl/`` is what ``imagen.testing.control`` says.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from imagen.testing.apiframe_wire import ApiframeWire
from imagen.testing.apiin_wire import ENVELOPES, ApiinWire
from imagen.testing.control import PREFIX, control
from imagen.testing.darkroom import Darkroom
from imagen.testing.faults import CALLS, FILES
from imagen.testing.ledger import Job, Ledger, Ring, Script
from imagen.testing.market import REFUSE, Market
from imagen.testing.vendor_wire import VendorWire
from imagen.testing.wavespeed_wire import WaveSpeedWire
from imagen.testing.webhooks import MANNERS, Webhooks
from imagen.testing.wire import Answer, Ending, Request, deliver, read_request

WIRES: tuple[type[VendorWire], ...] = (WaveSpeedWire, ApiframeWire, ApiinWire)
KEYS = {"wavespeed": "wsk_test", "apiframe": "afk_test", "apiin": "aio_test"}
SECRET = "whsec_test"  # noqa: S105  # nobody's
FILES_AT = "/files/"
BACKLOG = 4096
_KINDS: Mapping[str, Mapping[str, Any]] = {
    **dict.fromkeys(("submit", "poll", "history", "catalogue"), CALLS),
    "file": FILES,
    "webhook": MANNERS,
    "shape": {name: shape for wire in WIRES for name, shape in wire.shapes.items()},
    "envelope": ENVELOPES,
}


class Gateway:
    """A running server: call ``url``, look at ``jobs``, ``calls``, ``served`` and ``rings``, misbehave by ``script``.

    ``prices``, ``unlisted``, ``balance`` and ``closed`` are what ``imagen.testing.market`` says.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        key: str = KEYS["wavespeed"],
        keys: Mapping[str, str] | None = None,
        secret: str = SECRET,
        show_inputs: bool = False,
        **darkroom: Any,
    ) -> None:
        self.ledger = Ledger()
        self.market = Market()
        self.darkroom = Darkroom(ledger=self.ledger, **darkroom)
        known = {**KEYS, "wavespeed": key, **(keys or {})}
        house: dict[str, Any] = {"ledger": self.ledger, "market": self.market, "darkroom": self.darkroom}
        facts = {**house, "secret": secret, "show_inputs": show_inputs}
        self.wires = {wire.vendor: wire(key=known[wire.vendor], **facts) for wire in WIRES}
        self._address = (host, port)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, or raise ``OSError``; ``url`` says where, and after a ``stop`` it is the same address."""
        self._socket = socket.create_server(self._address, backlog=BACKLOG)
        self._address = self.host, self.port = self._socket.getsockname()[:2]
        self.url = self.darkroom.url = f"http://{self.host}:{self.port}"
        self._webhooks = Webhooks(ledger=self.ledger, wires=self.wires, url=self.url)
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=f"gateway {self.url}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Drop every connection and stop listening; once is enough, twice does no harm."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join()

    @property
    def jobs(self) -> list[Job]:
        """The accepted jobs, oldest first: what would be billed."""
        return self.ledger.jobs

    @property
    def calls(self) -> list[Request]:
        """Every request, oldest first."""
        return self.ledger.calls

    @property
    def served(self) -> dict[str, bytes]:
        """What was sent as which file."""
        return self.ledger.served

    @property
    def rings(self) -> list[Ring]:
        """The webhooks that were sent, and what was answered to them, oldest first."""
        return self.ledger.rings

    @property
    def prices(self) -> dict[tuple[str, str], Any]:
        """What ``(vendor, id)`` costs instead of the listed price; a new id is on sale from then on."""
        return self.market.prices

    @property
    def unlisted(self) -> set[tuple[str, str]]:
        """The ``(vendor, id)`` that no list shows any more, though they can still be bought."""
        return self.market.unlisted

    @property
    def balance(self) -> dict[str, Any]:
        """What is left on the account, by vendor."""
        return self.market.balance

    @property
    def closed(self) -> dict[str, int | str]:
        """The vendors that let nobody in: 401, 403, 503 or ``"refuse"``; 402 is an account without money."""
        return self.market.closed

    def script(self, match: str = "", **steps: Any) -> None:
        """Behave like this for prompts that contain ``match``; without one, for all that nothing else names."""
        script = Script.build({**steps, "match": match})
        for kind, known in _KINDS.items():
            if (name := getattr(script, kind)) and name not in known:
                what = f"{kind} fault" if known in (CALLS, FILES) else kind
                raise ValueError(f"no {what} is called {name}; there are {', '.join(filter(None, known))}")
        self.ledger.play(script)

    def reset(self) -> None:
        """Behave well again and forget everything."""
        self.ledger.reset()
        self.market.reset()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._talk, sock=self._socket, backlog=BACKLOG)
        await self._over.wait()
        server.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await read_request(reader):
                answer = await self._answer(request)
                await deliver(answer, reader, writer)
                if answer.ending is not Ending.KEEP or request.headers.get("connection", "").lower() == "close":
                    break
            writer.close()
        except ConnectionError:
            writer.close()
        except asyncio.CancelledError:
            writer.transport.abort()

    async def _answer(self, request: Request) -> Answer:
        if request.path.startswith(PREFIX):
            return control(self, request)
        if request.path.startswith(FILES_AT):
            self.calls.append(request)
            return self.darkroom.send(request.path.removeprefix(FILES_AT))
        wire = self._wire(request.path)
        if self.closed.get(wire.vendor) != REFUSE:  # what is refused never was a call
            self.calls.append(request)
        known = len(self.jobs)
        answer = wire.answer(request)
        for job in self.jobs[known:]:
            await self._webhooks.follow(job)
        return answer

    def _wire(self, path: str) -> VendorWire:
        """Whose path this is; WaveSpeed answers for nobody's."""
        found = (wire for wire in self.wires.values() if path.startswith(wire.prefix))
        return next(found, self.wires["wavespeed"])


def main(arguments: list[str] | None = None) -> int:
    """Run a gateway until a signal ends it."""
    options = argparse.ArgumentParser(prog="python -m imagen.testing.gateway", description=__doc__)
    options.add_argument("--port", type=int, default=9400)
    options.add_argument("--latency", type=float, default=0.05, help="seconds until a job is finished")
    options.add_argument("--spread", type=float, default=0.0, help="seconds by which that may differ, either way")
    options.add_argument("--scale", type=float, default=1.0, help="size of the pictures, 1 is the model's own")
    options.add_argument("--weight", type=int, default=0, help="bytes a picture weighs at least")
    options.add_argument("--key", default=KEYS["wavespeed"], help="the key of WaveSpeed")
    options.add_argument("--secret", default=SECRET, help="what WaveSpeed signs its webhooks with")
    options.add_argument("--show-inputs", action="store_true", help="show what was asked in the history")
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # before the thread starts, so that only sigwait sees them
    with Gateway(**vars(options.parse_args(arguments))) as gateway:
        sys.stdout.write(f"{gateway.url}\n")
        sys.stdout.flush()
        signal.sigwait(ends)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Messages leave beside the calls: slots of their own, so that neither waits for the other."""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType
from typing import Self

from imagen import deliveries, failpoints
from imagen.conf import settings
from imagen.courier import Courier, Echo
from imagen.deliveries import Parcel
from imagen.engine import clock
from imagen.engine.desk import Desk
from imagen.models.webhook import DeliveryError
from imagen.signatures import sign_standard

logger = logging.getLogger("imagen")
IDLE_SECONDS = 0.5
BUSY_SECONDS = 0.05


class Post:
    """Sends what is due from entering to leaving; leaving waits for what is under way, within its own bound."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._sending: dict[asyncio.Task[None], Parcel] = {}

    async def __aenter__(self) -> Self:
        self._courier = await Courier().__aenter__()
        self._round = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.desk.stopping.set()
        await asyncio.gather(self._round, return_exceptions=True)
        await asyncio.gather(*self._sending, return_exceptions=True)
        await self._courier.__aexit__()

    @property
    def busy(self) -> bool:
        """Whether a message is under way."""
        return bool(self._sending)

    async def _run(self) -> None:
        while not self.desk.stopping.is_set():
            taken = await self._take()
            await self.desk.sleep(BUSY_SECONDS if taken else IDLE_SECONDS)

    async def _take(self) -> bool:
        """Send what there is room for; whether there was anything."""
        room = settings.WEBHOOK_SLOTS - len(self._sending)
        parcels = (await self.desk.guarded(self._claim, room) if room > 0 else None) or []
        for parcel in parcels:
            task = asyncio.create_task(self._send(parcel))
            self._sending[task] = parcel
            task.add_done_callback(self._sending.pop)
        return bool(parcels or room <= 0)

    def _claim(self, room: int) -> list[Parcel]:
        lease = settings.WEBHOOK_SECONDS + settings.LEASE_SECONDS
        return deliveries.claim(room, lease=lease, under_way=list(self._sending.values()))

    async def _send(self, parcel: Parcel) -> None:
        try:
            ours = _signed(parcel)
            failpoints.reach("message departing")
            echo = await self._courier.deliver(parcel.url, parcel.body, ours, seconds=settings.WEBHOOK_SECONDS)
        except Exception as error:  # uses up a try, or it would come back for ever; its words may tell a secret
            known = {"delivery": str(parcel.pk)}
            logger.error("a message could not be signed: %s", type(error).__name__, extra=known)
            echo = Echo(error=DeliveryError.UNSIGNABLE)
        await self.desk.guarded(deliveries.settle, parcel, echo)


def _signed(parcel: Parcel) -> dict[str, str]:
    """The headers of this try: the id stays, time and signatures are of now."""
    now = int(clock.now().timestamp())
    signed = sign_standard(parcel.secrets, sent_id=parcel.webhook_id, sent_at=now, body=parcel.body)
    return {"webhook-id": parcel.webhook_id, "webhook-timestamp": str(now), "webhook-signature": signed}

"""When to ask after a job: near the time its model usually takes, or when a webhook that was promised is late."""

from __future__ import annotations

from dataclasses import dataclass

from imagen.conf import settings
from imagen.engine import clock
from imagen.engine.desk import Desk
from imagen.models import Job, Tempo

LEAST_PATIENCE = 2.0


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The times of one job; ``address`` is where its provider was told to ring."""

    desk: Desk
    job: Job
    address: str

    @property
    def age(self) -> float:
        """Seconds since the provider took the job."""
        return (clock.now() - (self.job.accepted_at or clock.now())).total_seconds()

    @property
    def listens(self) -> bool:
        """Whether a webhook will tell when this job is over, so that nobody has to ask."""
        return bool(self.address) and self.job.provider not in self.desk.deaf

    @property
    def patience(self) -> float:
        """Seconds after which a webhook that has not come is late."""
        tempo = self._tempo
        usual = settings.POLL_MAX_SECONDS if tempo is None else tempo.mean + 3 * tempo.deviation
        return min(max(usual, LEAST_PATIENCE), settings.DEADLINE_SECONDS)

    def step(self, looks: int, *, errors: int = 0) -> float:
        """Seconds until the next look, after so many and so many failures in a row."""
        slowest = float(self.job.terms.get("poll_seconds") or 0)
        low, high = max(settings.POLL_SECONDS, slowest), max(settings.POLL_MAX_SECONDS, slowest)
        return min(low * 2.0**errors if errors else self._usual(looks, low), high)

    @property
    def _tempo(self) -> Tempo | None:
        return self.desk.tempi.get((self.job.provider, self.job.provider_model))

    def _usual(self, looks: int, low: float) -> float:
        tempo = self._tempo
        if tempo is None:
            return low * 1.1**looks
        if looks:
            return max(tempo.mean * 0.06, low) * 1.1 ** (looks - 1)
        return max(tempo.mean - tempo.deviation - self.age, 0.05)

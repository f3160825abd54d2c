"""Every goal there is, in the order of the table: a module with goals of its own adds one line here."""

from __future__ import annotations

from proof import bells, doors, fuzz, histories, kills, machine, mail, money, once, recovery, workers
from proof.goals import Goal

GOALS: tuple[Goal, ...] = (
    *kills.GOALS,
    *workers.GOALS,
    *doors.GOALS,
    *bells.GOALS,
    *once.GOALS,
    *histories.GOALS,
    *mail.GOALS,
    *fuzz.GOALS,
    *recovery.GOALS,
    *money.GOALS,
    *machine.GOALS,
)  # fmt: skip

"""The goals, and what a proof found: each is measured on the stacks it speaks of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from proof.stacks import STACKS


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was measured, and whether the goal is met."""

    measured: str
    met: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One promise; ``run`` proves it on one stack."""

    id: str
    title: str
    wanted: str
    run: Callable[[str], Finding]
    stacks: tuple[str, ...] = STACKS

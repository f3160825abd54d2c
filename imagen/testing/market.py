"""What the vendors of a gateway list, charge and hold, and whether they let anybody in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

BALANCE = {"wavespeed": 156.78, "apiframe": 995}
REFUSE = "refuse"  # the connection is cut, and not a byte is answered


@dataclass(slots=True)
class Market:
    """Prices, lists, balances and closed doors, each by vendor; empty is everyday life."""

    prices: dict[tuple[str, str], Any] = field(default_factory=dict)  # (vendor, id): instead of the listed price
    unlisted: set[tuple[str, str]] = field(default_factory=set)  # (vendor, id): sold, and in no list
    balance: dict[str, Any] = field(default_factory=lambda: dict(BALANCE))
    closed: dict[str, int | str] = field(default_factory=dict)  # vendor: 401, 402, 403, 503 or "refuse"

    def apply(self, change: dict[str, Any]) -> None:
        """Take changes from JSON, each by vendor: ``null`` opens a closed door again."""
        for vendor, prices in dict(change.pop("prices", {})).items():
            self.prices.update({(vendor, model): price for model, price in dict(prices).items()})
        for vendor, models in dict(change.pop("unlisted", {})).items():
            self.unlisted.update((vendor, model) for model in models)
        self.balance.update(change.pop("balance", {}))
        for vendor, how in dict(change.pop("closed", {})).items():
            self.closed.pop(vendor, None)
            if how is not None:
                self.closed[vendor] = how
        if change:
            raise ValueError(f"a market has no {', '.join(sorted(change))}")

    def reset(self) -> None:
        """Everyday life again."""
        for memory in (self.prices, self.unlisted, self.balance, self.closed):
            memory.clear()
        self.balance.update(BALANCE)

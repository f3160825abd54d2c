"""What was spent, what is set aside, and what is left."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from imagen import presentation, usage
from imagen.api import docs
from imagen.api.door import Door
from imagen.api.permissions import person
from imagen.budgets import Allowance
from imagen.costs import Position


class Used(Door):
    """What this person used in this month."""

    @docs.used
    def get(self, request: Request) -> Response:
        """Everybody's, for those who may see everybody's."""
        found = usage.read(person(request))
        least = found.budgets[0] if found.budgets else None
        return Response(
            {
                "unit": found.unit,
                "since": presentation.moment(found.since),
                **_amounts(found.total),
                "limit": least and presentation.money(least.limit),
                "remaining": least and presentation.money(least.remaining),
                "resets_at": least and least.resets_at,
                "budgets": [_budget(each) for each in found.budgets],
                "by_provider": [{"provider": name, **_amounts(both)} for name, both in found.by_provider.items()],
                "by_model": [{"model": name, **_amounts(both)} for name, both in found.by_model.items()],
                "by_day": [{"day": day.isoformat(), "spent": f"{spent:.4f}"} for day, spent in found.by_day.items()],
            }
        )


def _amounts(both: Position) -> dict[str, str]:
    return {"spent": f"{both.spent:.4f}", "reserved": f"{both.reserved:.4f}"}


def _budget(each: Allowance) -> dict[str, Any]:
    both = Position(each.purse.reserved, each.purse.spent)
    return {"scope": str(each.rule.scope), **each.facts, **_amounts(both)}

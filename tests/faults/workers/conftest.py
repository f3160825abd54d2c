"""Workers in processes of their own, which die or freeze where they are told to."""

from __future__ import annotations

from tests.workshop import ask, made, mortal, quick, reach, site, work

__all__ = ["ask", "made", "mortal", "quick", "reach", "site", "work"]

"""Every test here has an impatient engine and the gateway."""

from tests.workshop import ask, made, mortal, quick, reach, site, work

__all__ = ["ask", "made", "mortal", "quick", "reach", "site", "work"]

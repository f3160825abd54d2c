"""Every test here has an impatient engine, the gateway, and a receiver of webhooks."""

from tests.mailroom import listen, owner, post_office, sink
from tests.workshop import ask, made, quick, reach, site, work

__all__ = ["ask", "listen", "made", "owner", "post_office", "quick", "reach", "sink", "site", "work"]

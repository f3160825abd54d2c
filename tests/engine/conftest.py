"""Every test here has an impatient engine and the gateway."""

from tests.mailroom import listen, owner, post_office, sink
from tests.workshop import ask, made, mortal, quick, reach, site, troubled, work

__all__ = [
    "ask", "listen", "made", "mortal", "owner", "post_office", "quick", "reach", "sink", "site", "troubled", "work",
]  # fmt: skip

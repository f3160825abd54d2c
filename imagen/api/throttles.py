"""How often somebody may ask: counted for each person, key and scope, and by address for those nobody knows."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from time import time as clock
from typing import TYPE_CHECKING, Any

from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle

from imagen.api import counters
from imagen.conf import settings
from imagen.exceptions import ImagenError
from imagen.models import ApiKey
from imagen.rates import Rate

if TYPE_CHECKING:
    from imagen.api.door import Door

READ, GENERATE, MANAGE, ANONYMOUS = "read", "generate", "manage", "anonymous"
NOT_COUNTED = ""
SPENDING = frozenset({GENERATE})  # closed while nobody can count; everything else is open
_OF_ONE_HOUSEHOLD = 64  # whoever has one IPv6 address has all of its network


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How somebody stands in the window that is open."""

    rate: Rate
    used: int
    reset: int

    @property
    def over(self) -> bool:
        """Whether this was one too many."""
        return self.used > self.rate.limit

    @property
    def left(self) -> int:
        """How many more are taken."""
        return max(self.rate.limit - self.used, 0)

    @property
    def headers(self) -> dict[str, str]:
        """The three fields of draft-ietf-httpapi-ratelimit-headers-06, the last to have them; seconds, not a date."""
        told = {"Limit": self.rate.limit, "Remaining": self.left, "Reset": self.reset}
        return {f"RateLimit-{name}": str(value) for name, value in told.items()}


class ScopeThrottle(BaseThrottle):
    """Counts each request of somebody known in the scope its view says."""

    standing: Standing | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        """Whether it is not one too many; whoever is unknown is counted when turned away."""
        scope = view.scope(request)
        if scope and request.user.is_authenticated:
            self.standing = view.standing = _stands(request, scope)
        return not (self.standing and self.standing.over)

    def wait(self) -> float | None:
        """Seconds until it is worth asking again."""
        return self.standing.reset if self.standing else None


def more(request: Request, view: Door, many: int) -> None:
    """Count so many more of the same, for one that stands for many; ``Throttled`` when that is too many."""
    scope = view.scope(request)
    if scope and many:
        view.standing = found = _stands(request, scope, many=many)
        if found and found.over:
            raise Throttled(found.reset)


def _stands(request: Request, scope: str, *, many: int = 1) -> Standing | None:
    """Count so many, and how the person or the key stands then."""
    return tightest(count(scope, who(request), many=many), of_key(request.auth, scope, many=many))


def turned_away(request: Request, view: Door, error: Exception) -> Exception:
    """The 401, counted by address; 429 for those who were told too often."""
    view.standing = found = count(ANONYMOUS, f"address:{address(request)}")
    return Throttled(found.reset) if found and found.over else error


def who(request: Request) -> str:
    """Whose requests are counted together: those of a key, or a person's without one, wherever they come from."""
    return f"key:{request.auth.pk}" if isinstance(request.auth, ApiKey) else f"user:{request.user.pk}"


def of_key(key: Any, scope: str, *, many: int = 1) -> Standing | None:
    """How a key stands in the rate of its own, which counts all its requests together."""
    own = _own(key)
    return counted(own, f"key:{key.pk}", spending=scope in SPENDING, many=many) if own else None


def _own(key: Any) -> Rate | None:
    return Rate.read(key.rate) if isinstance(key, ApiKey) and key.rate else None


def at_once(request: Request, view: Door) -> float:
    """How many can be taken at once at all, however long somebody waits."""
    rates = settings.rate(view.scope(request)), _own(request.auth)
    return min((rate.limit for rate in rates if rate), default=math.inf)


def tightest(*standings: Standing | None) -> Standing | None:
    """The one that says no for the longest, else the one with the fewest left."""
    found = [each for each in standings if each]
    return min(found, key=lambda each: (not each.over, -each.reset if each.over else each.left), default=None)


def address(request: Request) -> str:
    """Where a request comes from: what the site's own proxies saw, as many as ``NUM_PROXIES`` says, else the peer."""
    forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    proxies = min(api_settings.NUM_PROXIES or 0, len(forwarded))
    return _network(forwarded[-proxies] if proxies and forwarded[-proxies] else request.META.get("REMOTE_ADDR", ""))


def count(scope: str, whose: str, *, many: int = 1) -> Standing | None:
    """Count so many; ``None`` where there is no limit, or the cache is away and nothing is spent."""
    rate = settings.rate(scope)
    return counted(rate, f"{scope}:{whose}", spending=scope in SPENDING, many=many) if rate else None


def counted(rate: Rate, what: str, *, spending: bool, many: int = 1) -> Standing | None:
    """The same in this rate, under a name of its own."""
    window, into = divmod(clock(), rate.seconds)
    digest = hashlib.sha256(what.encode()).hexdigest()[:32]
    try:
        used = counters.count(
            f"imagen:throttle:{digest}:{rate.seconds}:{window:.0f}", seconds=2 * rate.seconds, many=many
        )
    except counters.Away as error:
        if spending:
            raise ImagenError(code="service_unavailable") from error
        return None
    return Standing(rate=rate, used=used, reset=math.ceil(rate.seconds - into))


def _network(text: str) -> str:
    try:
        found = ip_address(text)
    except ValueError:  # a socket without addresses, or a proxy that adds the port
        return text
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or (ip_network((found, _OF_ONE_HOUSEHOLD), strict=False) if found.version == 6 else found))

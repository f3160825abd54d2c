"""What an answer says about how often somebody may ask."""

from __future__ import annotations

FIELDS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


def told(response):
    return tuple(int(response.headers[name]) for name in FIELDS)


def untold(response):
    return not {*FIELDS} & {*response.headers}

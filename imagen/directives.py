"""What a prompt may tell the sandbox to do, in double brackets: ``[[slow:20]]``, ``[[fail:content_filtered]]``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from imagen.types import MAX_IMAGES

NEVER = 1e9  # seconds, for a job that does not end

# Every code of the contract that a generation can end with. The storage is ours, so its two are taken and do nothing.
CODES = (
    *("model_retired", "provider_auth", "provider_insufficient_credits", "provider_rejected", "content_filtered"),
    *("provider_rate_limited", "provider_unavailable", "provider_failed", "no_outputs", "provider_job_lost"),
    *("provider_timeout", "provider_protocol_error", "submit_unknown", "partial_outputs", "output_expired"),
    *("output_invalid", "output_too_large", "egress_blocked", "wrong_size", "storage_unavailable", "storage_full"),
)

_DIRECTIVE = re.compile(
    r"\[\[(?:slow:(?P<slow>[0-9]{1,5}(?:\.[0-9]{1,3})?)|nsfw:(?P<nsfw>[1-4])|partial:(?P<partial>[1-4])of[1-4]"
    rf"|(?P<never>never)|(?P<wrong>wrong-ratio)|fail:(?P<fail>{'|'.join(CODES)})"
    r"|halves:(?P<halves>(?:light|dark),(?:light|dark)))\]\]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Directives:
    """Seconds to take, output to flag, how many outputs come at most, code to fail with; and the caption left over.

    ``halves`` is "light,dark" or the like: what is left and right in a picture that shows nothing else.
    """

    caption: str
    slow: float | None = None
    nsfw: int = 0
    partial: int = MAX_IMAGES
    fail: str = ""
    halves: str = ""


def directives(prompt: str) -> Directives:
    """The directives in a prompt, the last of a kind winning; what is none of them stays in the caption."""
    said = {name: text for found in _DIRECTIVE.finditer(prompt) for name, text in found.groupdict().items() if text}
    fail = said.get("fail") or ("wrong_size" if "wrong" in said else "")
    slow = NEVER if "never" in said else said.get("slow")
    return Directives(
        caption=" ".join(_DIRECTIVE.sub(" ", prompt).split()),
        slow=None if slow is None else float(slow),
        nsfw=int(said.get("nsfw", 0)),
        partial=int(said.get("partial", MAX_IMAGES)),
        fail=fail,
        halves=said.get("halves", ""),
    )

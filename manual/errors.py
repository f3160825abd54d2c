"""Every code, what it means, what was spent and what to do, from the tables that say it to people."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import translation

from imagen.sentences import ACTIONS, CAME, FIELD_SENTENCES, MONEY, OVER, SENTENCES, Sentence
from manual.marks import table

HEAD = """# Errors

<!-- Written by `make schema` from imagen/sentences.py. -->

Every answer from 400 on is [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) `application/problem+json`. Decide by `code`: it is stable.
`detail` and `message` are sentences for people, in the language of `Accept-Language`. `type` is always `about:blank`, so `title` is
the HTTP status in words. `errors` names each wrong field; `request_id`, also in `X-Request-ID`, is what an administrator can look up;
`next_actions` is what helps.

```json
{"type": "about:blank", "title": "Bad Request", "status": 400, "code": "invalid_request",
 "detail": "Some fields need correcting; each is named below.", "request_id": "5f0c6a3e8b1d4c7f9a2e4d6b8c0f1a3e",
 "errors": [{"field": "num_images", "code": "out_of_range", "message": "This has to be between 1 and 4."}],
 "next_actions": ["fix_fields"]}
```

A word in angle brackets stands for what is true of the request.
"""
ASKED = """## Codes of an answer

Nothing was spent, whichever of these it is. On 429 and 503, and on `idempotency_in_progress`, `Retry-After` says how many seconds to wait.
"""
MADE = """## Codes of a generation

In `error` of a generation, while it waits or once it is over; the request itself was taken.
"""
ENDED = """Once it has failed nothing is tried any more: `retry` stands where `wait` did, and these sentences stand instead.
"""
TOLD = """## Warnings

In `warnings`: nothing has to be done. `provider_timeout` warns too, until all is there with its sentence above.
"""
FIELDS = """## Codes of a field

In `errors`, beside the name of the field, the parameter or the header.
"""
STEPS = """## Next steps

What `next_actions` says.
"""


def text() -> str:
    """The whole page, in English."""
    with translation.override("en"):
        return "\n".join((HEAD, *_parts()))


def _parts() -> Iterable[str]:
    known = SENTENCES.items()
    asked = [(code, said) for code, said in known if said.status]
    made = [(code, said) for code, said in known if not said.status and said.actions]
    told = [(code, said) for code, said in known if not said.status and not said.actions]
    yield ASKED
    yield table(("code", "HTTP", "meaning", "next"), (_answer(*each) for each in asked))
    yield MADE
    yield table(("code", "meaning", "spent", "next"), (_generation(*each) for each in made))
    yield ENDED
    yield table(("code", "meaning"), ((f"`{code}`", plain(said)) for code, said in OVER.items()))
    yield TOLD
    yield table(("code", "meaning"), ((_anchored(code), plain(said.text)) for code, said in told))
    yield table(("code", "once all is there"), ((f"`{code}`", plain(said)) for code, said in CAME.items()))
    yield FIELDS
    yield table(("code", "meaning"), ((f"`{code}`", plain(said)) for code, said in FIELD_SENTENCES.items()))
    yield STEPS
    yield table(("step", "is"), ((f"`{step}`", str(label)) for step, label in ACTIONS.items()))


def _answer(code: str, said: Sentence) -> tuple[str, ...]:
    return _anchored(code), str(said.status), plain(said.text), _steps(said)


def _generation(code: str, said: Sentence) -> tuple[str, ...]:
    return _anchored(code), plain(said.text), plain(MONEY[said.spent]), _steps(said)


def _anchored(code: str) -> str:
    return f'<a id="{code}"></a>`{code}`'


def _steps(said: Sentence) -> str:
    return ", ".join(f"`{step}`" for step in said.actions) or "–"


def plain(said: object) -> str:
    """A sentence with its blanks as words in angle brackets."""
    return str(said) % _Blanks()


class _Blanks(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f"‹{name}›"

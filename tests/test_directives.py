"""What a prompt tells the sandbox to do."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.conf import settings

from imagen.directives import CODES, NEVER, Directives, directives


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ("a fox", {}),
        ("a [[slow:20]] fox", {"slow": 20.0}),
        ("a fox [[slow:0.25]]", {"slow": 0.25}),
        ("[[nsfw:2]]a fox", {"nsfw": 2}),
        ("a\n[[partial:3of4]]\nfox", {"partial": 3}),
        ("[[never]] a fox", {"slow": NEVER}),
        ("[[fail:provider_timeout]] a fox", {"fail": "provider_timeout"}),
        ("[[wrong-ratio]] a fox", {"fail": "wrong_size"}),
        ("a [[nsfw:1]] [[slow:2]][[partial:1of2]] fox", {"nsfw": 1, "slow": 2.0, "partial": 1}),
        ("[[halves:light,dark]] a fox", {"halves": "light,dark"}),
        ("a fox [[slow:1]] [[slow:9]]", {"slow": 9.0}),
        ("a fox [[wrong-ratio]] [[fail:no_outputs]]", {"fail": "no_outputs"}),
    ],
)
def test_a_directive_is_obeyed_and_leaves_the_caption(prompt: str, told: dict[str, Any]) -> None:
    assert directives(prompt) == Directives(caption="a fox", **told)


@pytest.mark.parametrize("code", CODES)
def test_every_code_a_generation_can_end_with_can_be_asked_for(code: str) -> None:
    assert (directives(f"a fox [[fail:{code}]]").fail, directives(f"[[fail:{code}]]").caption) == (code, "")


@pytest.mark.parametrize(
    "text",
    [
        *("[[dance]]", "[[slow]]", "[[slow:soon]]", "[[slow:-1]]", "[[slow:٣]]", "[[nsfw:9]]", "[[partial:3]]"),
        *("[[fail:nonsense]]", "[[fail:]]", "[never]", "[[ never ]]", "[[]]", "[[[[", "[[slow:999999]]"),
        *("[[halves]]", "[[halves:light]]", "[[halves:red,dark]]", "[[halves:light,dark,dark]]"),
    ],
)
def test_what_is_no_directive_stays_in_the_caption(text: str) -> None:
    assert directives(f"a {text} fox") == Directives(caption=f"a {text} fox")


def test_the_guide_to_every_state_names_every_code_and_every_directive_it_shows_is_one() -> None:
    guide = (settings.BASE_DIR / "docs/howto/see-every-state.md").read_text()
    assert [code for code in CODES if f"`{code}`" not in guide] == []
    shown = [text for text in re.findall(r"\[\[[^\]]*\]\]", guide) if "CODE" not in text]
    assert len(shown) >= 6
    assert [text for text in shown if directives(text).caption] == []

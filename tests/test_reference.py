"""The reference leaves nothing out that can be looked up."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import imagen
from imagen.conf import Settings
from imagen.diagnosis import LOOKS
from imagen.management import commands
from imagen.models.webhook import DeliveryError, DeliveryStatus, EndpointReason, EndpointState

ROOT = Path(imagen.__file__).parent
REFERENCE = ROOT.parent / "docs" / "reference"


def test_every_setting_is_documented() -> None:
    text = (REFERENCE / "settings.md").read_text()
    assert [known.name for known in fields(Settings) if f"`{known.name}`" not in text] == []


def test_every_command_is_documented() -> None:
    text = (REFERENCE / "commands.md").read_text()
    names = [path.stem for path in Path(commands.__file__).parent.glob("imagen_*.py")]
    assert [name for name in names if f"## {name}\n" not in text] == []


def test_every_system_check_is_documented_and_no_other() -> None:
    source = "".join(path.read_text() for path in (ROOT / "checks").glob("*.py"))
    made = {f"{kind[0].upper()}{int(number):03}" for kind, number in _made(source)}
    told = set(re.findall(r"imagen\.([EW]\d{3})", (REFERENCE / "commands.md").read_text()))
    assert told == made


def _made(source: str) -> list[tuple[str, str]]:
    rows = [("warning", number) for number in re.findall(r"_cluster_says\((\d+),", source)]
    strangers = [("warning", number) for number in re.findall(r"_strangers\((\d+),", source)]
    return [*rows, *strangers, *re.findall(r"\b(error|warning)\(\s*(\d+),", source)]


def test_every_line_of_the_doctor_is_documented() -> None:
    text = (REFERENCE / "commands.md").read_text()
    assert [subject for subject in LOOKS if subject.removesuffix("s") not in text] == []


def test_every_state_reason_and_error_of_webhooks_is_documented_and_no_other() -> None:
    text = (REFERENCE / "webhooks.md").read_text()
    tables = {
        "state": set(EndpointState.values),
        "status": set(DeliveryStatus.values),
        "last_error": set(DeliveryError.values) - {""},
    }
    assert {name: set(_first_column(text, name)) for name in tables} == tables
    assert set(re.findall(r"^\| `disabled` \| `(\w+)` \|", text, re.MULTILINE)) == set(EndpointReason.values) - {""}


def _first_column(text: str, heading: str) -> list[str]:
    table = text[text.index(f"| `{heading}` |") :].partition("\n\n")[0]
    return re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)[1:]

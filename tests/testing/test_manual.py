"""What the manual says about testing is true."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import imagen
from imagen.testing import faults
from imagen.testing.gateway import KEYS, Gateway
from imagen.testing.ledger import Script
from imagen.testing.webhooks import MANNERS

MANUAL = (Path(imagen.__file__).parent.parent / "docs" / "reference" / "testing.md").read_text()
NAMES = {"calls": faults.CALLS, "files": faults.FILES, "webhooks": MANNERS, "vendors": KEYS, "keys": KEYS.values()}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("impatient")
def test_the_example_of_the_manual_passes(request: pytest.FixtureRequest):
    names: dict[str, Any] = {}
    (example,) = re.findall(r"```python\n(.*?)```", MANUAL, re.DOTALL)
    exec(compile(example, "testing.md", "exec"), names)
    (test,) = (found for name, found in names.items() if name.startswith("test_"))
    test(**{name: request.getfixturevalue(name) for name in inspect.signature(test).parameters})


@pytest.mark.parametrize("known", NAMES.values(), ids=NAMES)
def test_everything_that_has_a_name_is_in_the_manual(known: Any):
    said = re.findall(r'`"?([\w-]+)"?`', MANUAL)
    assert [name for name in known if name and name not in said] == []


def test_every_step_of_a_script_is_in_the_manual():
    said = re.findall(r"`(\w+)(?:=.*?)?`", MANUAL)
    assert [step.name for step in fields(Script) if step.name not in said] == []


def test_everything_a_gateway_shows_is_in_the_manual():
    shown = [name for name, kind in vars(Gateway).items() if isinstance(kind, property)]
    assert [name for name in shown if f"`{name}" not in MANUAL] == []

"""The programs of the how-tos, run as they are printed, strangers, and a fuzzer, against a live site."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image as Pillow

from imagen.testing.sink import Sink
from proof.fuzz import fuzz
from proof.site import Place
from tests.clients.matrix import House
from tests.conftest import _lacks

pytestmark = [pytest.mark.story, pytest.mark.timeout(900)]  # a busy machine is slow
HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
MODULES = HERE / "node_modules"


def blocks(page: str, language: str) -> list[str]:
    """What is printed on this page of the how-tos in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (DOCS / "howto" / page).read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture
def desk(site: Place, tmp_path: Path) -> Path:
    """A folder with nothing but the committed schema."""
    shutil.copy(DOCS / "reference" / "openapi.yaml", tmp_path)
    return tmp_path


def run(site: Place, desk: Path, *command: str) -> str:
    """What a command prints that is run there with the key of somebody who may generate."""
    found = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    env = {"PATH": found, "HOME": str(desk), "IMAGEN_URL": f"http://127.0.0.1:{site.port}", "IMAGEN_KEY": site.token}
    done = subprocess.run(command, cwd=desk, env=env, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, f"{' '.join(command)[:300]}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def shell(site: Place, desk: Path, *scripts: str) -> str:
    return run(site, desk, "bash", "-euo", "pipefail", "-c", "\n".join(scripts))


def is_a_picture(path: Path) -> bool:
    with Pillow.open(io.BytesIO(path.read_bytes())) as picture:
        picture.load()
        return picture.width > picture.height  # 16:9, as it was asked for


def test_the_lines_for_curl_ask_wait_and_fetch(site: Place, desk: Path) -> None:
    if not (shutil.which("curl") and shutil.which("jq")):
        _lacks("curl or jq")
    said = shell(site, desk, *blocks("curl.md", "sh"))
    assert is_a_picture(desk / "picture.png")
    assert '"allowed": true' in said
    assert said.splitlines()[-2:] == ["invalid_request", "This has to be between 1 and 4."]


def test_the_generated_python_client_asks_waits_and_fetches(site: Place, desk: Path) -> None:
    made = shell(
        site, desk, *(block.replace("generate ", "generate --fail-on-warning ") for block in blocks("python.md", "sh"))
    )
    assert "Generating imagen_client" in made
    (desk / "ask.py").write_text("".join(blocks("python.md", "python")))
    saved = run(site, desk, sys.executable, "-W", "error", "ask.py").split()
    assert saved
    assert all(is_a_picture(desk / name) for name in saved)


def test_the_generated_typescript_client_has_the_right_types_and_asks_waits_and_fetches(
    site: Place, desk: Path
) -> None:
    if not (shutil.which("node") and MODULES.is_dir()):
        _lacks("Node with the packages of tests/clients (npm ci)")
    (desk / "node_modules").symlink_to(MODULES)
    shutil.copy(HERE / "package.json", desk)
    (desk / "ask.ts").write_text("".join(blocks("typescript.md", "ts")))
    saved = shell(site, desk, *blocks("typescript.md", "sh")).splitlines()[-1].split()
    assert saved
    assert all(is_a_picture(desk / name) for name in saved)


def test_the_versions_in_the_how_tos_are_those_that_were_tried() -> None:
    assert blocks("typescript.md", "json") == [(HERE / "package.json").read_text()]
    pinned = (HERE.parents[1] / "requirements-dev.txt").read_text()
    version = re.search(r"^openapi-python-client==(.+)$", pinned, re.MULTILINE)
    assert version
    assert blocks("python.md", "console") == [f"pip install openapi-python-client=={version[1]}\n"]


def test_over_sockets_as_well_what_is_somebody_elses_is_as_unknown_as_a_made_up_id(site: Place, sink: Sink) -> None:
    house = House.of(site, sink)
    before = house.seen()
    assert house.cells >= 400
    found = house.given_away()
    assert not found, "\n".join(found[:20])
    assert house.seen() == before
    assert not house.refused()


@pytest.mark.slow
def test_nothing_that_is_sent_breaks_the_interface_or_is_answered_unlike_its_schema(site: Place) -> None:
    stack = {"phases": "examples,fuzzing,stateful"} if "sqlite" in site.env["DATABASE_URL"] else {"phases": "coverage"}
    found = fuzz(site, examples=4, **stack)
    assert not found.failures, found.said
    assert not found.broken, found.statuses
    assert found.met

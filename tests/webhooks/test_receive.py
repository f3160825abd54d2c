"""The page on receiving webhooks: its code takes what imagen really sends, and nothing anybody made of it."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.test import RequestFactory

import imagen
from imagen import deliveries, webhooks
from imagen.conf import Settings
from imagen.models import Delivery
from imagen.models.webhook import Happening
from imagen.testing.sink import Message
from tests.conftest import _lacks
from tests.mailroom import SECRET

HERE = Path(__file__).parent
TEXT = (Path(imagen.__file__).parent.parent / "docs" / "howto" / "receive-webhooks.md").read_text()
BLOCKS = dict(re.findall(r'^```\w+ title="([^"\n]+)"\n(.*?)^```$', TEXT, re.MULTILINE | re.DOTALL))
OTHER = "whsec_b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGU="
Letter = dict[str, Any]


def module(name: str) -> ModuleType:
    """One of the page's Python blocks."""
    found = ModuleType(name)
    exec(compile(BLOCKS[f"{name}.py"], f"{name}.py", "exec"), vars(found))
    return found


@pytest.fixture
def sent(listen: Any, made: Any, owner: Any, sink: Any) -> Message:
    """What imagen sent when a request was over, while its secret was being changed."""
    endpoint = listen()
    webhooks.rotate(endpoint)
    made("a lighthouse", user=owner)
    (message,) = sink.messages
    return message


def letter(message: Message, secret: str = SECRET, *, body: str = "", **headers: str | None) -> Letter:
    """The message as a receiver gets it, with these changes."""
    changed = {f"webhook-{name}": text for name, text in headers.items()}
    whole = {name: text for name, text in {**message.headers, **changed}.items() if text is not None}
    return {"headers": whole, "body": body or message.body.decode(), "secret": secret}


def forged(message: Message) -> list[Letter]:
    """What anybody may send instead."""
    said, signed = message.body.decode(), message.headers["webhook-signature"]
    old = str(int(message.headers["webhook-timestamp"]) - 301)
    return [
        letter(message, OTHER),
        letter(message, body=f"{said} "),
        letter(message, body=said.replace("completed", "failed")),
        *(letter(message, **{name: None}) for name in ("id", "timestamp", "signature")),
        *(letter(message, timestamp=text) for text in (old, "", "NaN", "-1", "1e9", "٣", "9" * 30)),
        *(letter(message, signature=text) for text in ("", "v1", "v1,", "v1,é", signed.lower())),
        letter(message, signature=signed.replace("v1", "v2")),
        letter(message, id="msg_other"),
    ]


@pytest.mark.parametrize("name", ["receiver", "by_hand"])
def test_the_python_of_the_page_takes_what_imagen_sends_and_nothing_anybody_made_of_it(sent, name):
    verified = module(name).verified
    good, *bad = [letter(sent), *forged(sent)]
    event = verified(good["headers"], good["body"].encode(), SECRET)
    assert (event["type"], event["data"]["status"]) == ("generation.completed", "completed")
    assert [each for each in bad if verified(each["headers"], each["body"].encode(), each["secret"])] == []


@pytest.fixture
def page_as_modules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], ModuleType]:
    """Import the page's Python from a folder, beside each other."""
    names = ("receiver", "inbox", "views")
    monkeypatch.chdir(tmp_path)
    for name in names:
        found = module(name) if name != "views" else ModuleType(name)
        monkeypatch.setitem(sys.modules, name, found)
    exec(compile(BLOCKS["views.py"], "views.py", "exec"), vars(sys.modules["views"]))
    return lambda name: sys.modules[name]


def test_the_view_of_the_page_keeps_each_event_once_and_refuses_strangers(sent, page_as_modules, monkeypatch):
    monkeypatch.setenv("IMAGEN_WEBHOOK_SECRET", SECRET)
    view = page_as_modules("views").imagen_webhook

    def post(sent: Letter) -> int:
        request = RequestFactory().post("/", sent["body"], content_type="application/json", headers=sent["headers"])
        return int(view(request).status_code)

    assert [post(letter(sent)), post(letter(sent)), post(letter(sent, id="msg_other"))] == [204, 204, 401]
    with closing(sqlite3.connect("inbox.sqlite3")) as inbox:
        assert inbox.execute("SELECT message FROM seen").fetchall() == [(sent.headers["webhook-id"],)]
        assert inbox.execute("SELECT status FROM latest").fetchall() == [("completed",)]


def test_the_inbox_of_the_page_serves_a_server_with_threads(page_as_modules):
    keep = page_as_modules("inbox").keep
    event = {"timestamp": "2026-11-20T16:00:09Z", "data": {"id": "g", "status": "completed"}}
    with ThreadPoolExecutor(8) as threads:
        kept = list(threads.map(lambda number: keep(str(number % 4), event), range(40)))
    assert sum(kept) == 1  # the others are the same or not younger
    with closing(sqlite3.connect("inbox.sqlite3")) as inbox:
        assert inbox.execute("SELECT count(*) FROM seen").fetchone() == (4,)


def test_the_inbox_of_the_page_leaves_out_what_came_twice_or_is_older(page_as_modules):
    keep = page_as_modules("inbox").keep

    def event(second: str, status: str) -> dict[str, Any]:
        return {"timestamp": f"2026-11-20T16:00:{second}Z", "data": {"id": "g", "status": status}}

    assert keep("1", event("09", "failed"))
    assert not keep("1", event("09", "failed"))
    assert keep("3", event("09.500000", "completed"))
    assert not keep("2", event("09.250000", "partial"))
    assert not keep("4", {"timestamp": "2026-11-20T16:00:10Z", "data": {"endpoint": "e"}})


# TypeScript


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's TypeScript, type-checked and compiled, beside the packages it needs."""
    modules = HERE / "node_modules"
    if shutil.which("node") is None or not modules.exists():
        _lacks("Node with `npm ci --prefix tests/webhooks`")
    folder = tmp_path_factory.mktemp("page")
    (folder / "node_modules").symlink_to(modules)
    for name in ("package.json", "tsconfig.json", "check.mjs"):
        shutil.copy(HERE / name, folder)
    for name in ("receiver.ts", "by_hand.ts", "server.ts"):
        (folder / name).write_text(BLOCKS[name])
    done = subprocess.run(
        ["node", "node_modules/typescript/bin/tsc"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return folder


def test_the_typescript_of_the_page_takes_what_imagen_sends_and_nothing_anybody_made_of_it(sent, compiled):
    letters = [letter(sent), *forged(sent)]
    said = subprocess.run(
        ["node", "check.mjs"], cwd=compiled, input="\n".join(map(json.dumps, letters)), text=True,
        capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    good, *bad = map(json.loads, said.stdout.splitlines())
    assert good == ["generation.completed"] * 2
    assert bad == [[None, None]] * len(forged(sent))


@pytest.fixture
def server(compiled: Path) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """The page's server, and its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {"PORT": str(port), "IMAGEN_WEBHOOK_SECRET": SECRET}
    with subprocess.Popen(
        [str(shutil.which("node")), "server.js"], cwd=compiled, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        _wait_for(port)
        yield port, process
        process.terminate()


def _wait_for(port: int) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < until
            time.sleep(0.02)


def test_the_server_of_the_page_answers_2xx_to_imagen_alone(sent, server):
    port, process = server

    def post(sent: Letter) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("POST", "/", sent["body"], _without_length(sent["headers"]))
        status = connection.getresponse().status
        connection.close()
        return status

    assert [post(letter(sent)), post(letter(sent, id="msg_other"))] == [204, 401]
    assert process.stdout.readline().startswith("generation.completed ")


def _without_length(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in headers.items() if name.startswith("webhook-")}


# What it says besides


def test_the_page_names_every_event_and_no_other():
    assert set(re.findall(r"^\| `([a-z]+\.[a-z_]+)` \|", TEXT, re.MULTILINE)) == {
        *Happening.values, webhooks.PING, webhooks.TEST,
    }  # fmt: skip


def test_the_numbers_of_the_page_are_those_of_the_product():
    known = Settings()
    steps = known.WEBHOOK_RETRY_SECONDS
    told = "at once, then after 5 seconds, 5 minutes, 30 minutes, 2, 5, 10, 14, 20 and 24 hours"
    assert told in " ".join(TEXT.split())
    assert [*steps] == [0, 5, 300, 1800, *(hours * 3600 for hours in (2, 5, 10, 14, 20, 24))]
    assert (known.WEBHOOK_SECONDS, webhooks.LIMIT, deliveries.PATIENCE.days) == (15, 5, 3)
    assert deliveries.TRIES == {"ping": 3, "test": 1}
    assert Delivery._meta.get_field("body").editable is False

"""G15: whatever is sent, the interface answers as its schema says, and never with an error of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from proof.goals import Finding, Goal
from proof.site import GUNICORN, ROOT, Place
from proof.stacks import fresh

SCHEMA = "/api/imagen/v1/schema/"
NOT_ASKED = "positive_data_acceptance"  # what a model can do and which ids there are does not stand in the schema
ENOUGH = 3000
WEB = (*GUNICORN[:-1], "--limit-request-line", "0", GUNICORN[-1])  # or it refuses long addresses in words of its own
SEALED: dict[str, Any] = {  # a site that may keep secrets, and follows nothing for minutes
    "ENCRYPTION_KEYS": ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="],
    "API": {"stream_seconds": 3},
}
NORMAL = """
from django.contrib.auth.models import Permission, User
from imagen import keyring
user = User.objects.create_user("fuzz")
user.user_permissions.add(Permission.objects.get(content_type__app_label="imagen", codename="generate"))
print(keyring.issue(user=user, name="fuzz", scopes=["read", "generate", "manage"], webhook_urls=True)[1])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuzzed:
    """What was sent, what came back, and what was wrong with it."""

    requests: int
    statuses: dict[str, int]
    problems: int
    failures: list[str]
    said: str

    @property
    def broken(self) -> int:
        """How many answers say that something is wrong on our side."""
        return sum(count for status, count in self.statuses.items() if status >= "500")

    @property
    def met(self) -> bool:
        """Nothing broke, nothing was unlike the schema, and every error was looked at."""
        refused = sum(count for status, count in self.statuses.items() if status >= "400")
        return not (self.broken or self.failures) and 0 < self.problems <= refused


def fuzz(place: Place, *, examples: int, seed: int = 7, phases: str = "examples,coverage,fuzzing,stateful") -> Fuzzed:
    """Send so many examples to each call, as a normal person, and look at every answer."""
    key = place.manage("shell", "--no-imports", "-c", NORMAL).splitlines()[-1]
    hook = f"http://{json.loads(place.env['IMAGEN_SETTINGS'])['ALLOWED_PRIVATE_HOSTS'][0]}/hook"
    with tempfile.TemporaryDirectory() as folder:
        report, counts = Path(folder) / "report.json", Path(folder) / "counts.json"
        env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("COV_")},
            "SCHEMATHESIS_HOOKS": "proof.fuzzed",
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "ignore",
            "IMAGEN_FUZZ_IDS": json.dumps(_things(place, key, hook)),
            "IMAGEN_FUZZ_HOOK": hook,
            "IMAGEN_FUZZ_COUNTS": str(counts),
        }
        command = [
            *(str(Path(sys.executable).with_name("schemathesis")), "--no-color", "run", _url(place)),
            *("--header", f"Authorization: Bearer {key}", "--max-examples", str(examples), "--seed", str(seed)),
            *("--phases", phases, "--exclude-checks", NOT_ASKED, "--continue-on-failure", "--request-timeout", "70"),
            *("--generation-with-security-parameters=false", "--suppress-health-check", "too_slow"),
            *("--generation-database", "none", "--report", "json", "--report-json-path", str(report)),
        ]
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=1800, check=False)
        assert report.exists(), done.stdout[-3000:] + done.stderr[-3000:]
        return _read(json.loads(report.read_text()), json.loads(counts.read_text()), done.stdout)


def _url(place: Place) -> str:
    return f"http://127.0.0.1:{place.port}{SCHEMA}"


def _things(place: Place, key: str, hook: str) -> dict[str, list[str]]:
    """Something of everything, this person's, so that not every id is unknown."""

    def call(method: str, path: str, body: Any = None) -> Any:
        answer = place.call(method, f"/api/imagen/v1/{path}", body, Authorization=f"Bearer {key}")
        assert answer.status < 300, (path, answer.body)
        return answer.json

    picture = {"prompt": "a lighthouse", "num_images": 4}
    batches = [call("POST", "batches/", {"requests": [picture, picture]}) for _ in range(4)]
    for _ in range(3):
        call("POST", "webhook-endpoints/", {"url": hook})
    made = call("GET", "generations/?page_size=100")["results"]
    for each in made:
        _finished(partial(call, "GET", f"generations/{each['id']}/?wait=60"))
    named = {word: call("GET", f"{word}/?page_size=100")["results"] for word in ("webhook-endpoints", "images")}
    sent = call("GET", "webhook-deliveries/?page_size=100")["results"]
    found = {"batches": batches, "generations": made, "webhook-deliveries": sent, **named}
    assert all(found.values()), {word: len(rows) for word, rows in found.items()}
    return {word: [each["id"] for each in rows] for word, rows in found.items()}


def _finished(look: Callable[[], Any]) -> None:
    """Look until nothing is under way, for ten minutes at most."""
    assert any(look()["completed_at"] for _ in range(10)), "no picture was made"


def _read(report: dict[str, Any], counted: dict[str, int], said: str) -> Fuzzed:
    failures = [f"{each['code']} {each['title']}: {', '.join(each['operations'])}" for each in report["failures"]]
    statuses = {status: count for status, count in sorted(counted.items()) if status.isdecimal()}
    return Fuzzed(
        requests=sum(statuses.values()),
        statuses=statuses,
        problems=counted.get("problems", 0),
        failures=[*failures, *(str(each) for each in report["errors"])],
        said=said,
    )


def _goal(stack: str) -> Finding:
    with fresh(stack, vendors=(), web=WEB, PROVIDERS={}, **SEALED) as (place, _):
        place.cluster()
        found = fuzz(place, examples=110)
        told = ", ".join(f"{count} × {status}" for status, count in found.statuses.items())
        wrong = "; ".join(found.failures) or "as the schema says"
        more = f"{found.requests} requests: {told}; {found.problems} errors looked at; {wrong}"
        return Finding(measured=more, met=found.met and found.requests >= ENOUGH)


GOALS = (
    Goal(
        id="G15",
        title="Schemathesis over the live schema, as a normal person",
        wanted=f"{ENOUGH:,} requests and more, none 5xx, none unlike the schema, every error problem details",
        run=_goal,
    ),
)

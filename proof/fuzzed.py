"""What the fuzzer does besides: asks for things that exist, counts, and wants problem details with a known code."""

from __future__ import annotations

import atexit
import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import schemathesis
import yaml

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = yaml.safe_load((ROOT / "docs" / "reference" / "openapi.yaml").read_text())
KNOWN = json.loads(os.environ["IMAGEN_FUZZ_IDS"])  # by the first word of a path
HOOK = os.environ["IMAGEN_FUZZ_HOOK"]
FIELDS = {"type", "title", "status", "detail", "code", "request_id", "errors", "next_actions"}
EVENT = {
    "type": "object",
    "required": ["id", "event", "data"],
    "properties": {
        "id": {"type": "string", "pattern": r"^\d+-[0-9a-f]{8}$"},
        "event": {"enum": ["status", "done"]},
        "data": {"type": "string"},
    },
}
LONGEST_WAIT = 60
counted: Counter[str] = Counter()


@atexit.register
def told() -> None:
    """Leave what was counted behind."""
    Path(os.environ["IMAGEN_FUZZ_COUNTS"]).write_text(json.dumps(counted))


@schemathesis.hook
def before_load_schema(ctx: Any, raw_schema: dict[str, Any]) -> None:
    """OpenAPI 3.1 knows a stream as text; what is in one of its events stands here."""
    for path in raw_schema["paths"].values():
        for answer in path.get("get", {}).get("responses", {}).values():
            if "text/event-stream" in answer.get("content", {}):
                answer["content"]["text/event-stream"]["schema"] = EVENT


@schemathesis.hook
def map_path_parameters(ctx: Any, parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Every other id is one of something that is there."""
    drawn = str((parameters or {}).get("id", ""))
    known = KNOWN.get(_word(ctx.operation.path)) if ctx.operation else None
    if not parameters or not known or sum(drawn.encode()) % 2:
        return parameters
    return {**parameters, "id": known[sum(drawn.encode()) % len(known)]}


def _word(path: str) -> str:
    return path.removeprefix("/api/imagen/v1/").partition("/")[0]


@schemathesis.hook
def map_body(ctx: Any, body: Any) -> Any:
    """An address to be told at is one on this machine, however it was drawn."""
    if not isinstance(body, dict):
        return body
    there = {name: HOOK for name in ("url", "webhook_url") if "://" in str(body.get(name, ""))}
    return {**body, **there}


@schemathesis.hook
def before_call(ctx: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Who may wait for a minute waits for a second, or a slow machine would do little else."""
    asked = str(case.query.get("wait", "")) if isinstance(case.query, dict) else ""
    if re.fullmatch("[0-9]{1,9}", asked) and 1 < int(asked) <= LONGEST_WAIT:
        case.query["wait"] = 1
    if case.headers and "Prefer" in case.headers:
        case.headers["Prefer"] = re.sub(r"wait=\d+", "wait=1", str(case.headers["Prefer"]))


@schemathesis.hook
def after_call(ctx: Any, case: Any, response: Any) -> None:
    """Count the answer by its status."""
    counted[str(response.status_code)] += 1


@schemathesis.check
def problem_details(ctx: Any, response: Any, case: Any) -> None:
    """Every error is a whole problem, and its code is one the schema names for this call and status."""
    if response.status_code < 400:
        return
    counted["problems"] += 1
    assert response.headers["content-type"] == ["application/problem+json"], "not problem details"
    found = json.loads(response.content)
    assert found.keys() - {"budget"} == FIELDS, f"fields {sorted(found)}"
    assert found["status"] == response.status_code
    if case.method.lower() in DOCUMENT["paths"][case.operation.path]:  # else the method is what is wrong
        known = _codes(case, str(response.status_code))
        assert found["code"] in known, f"{found['code']} is not one of {sorted(known)}"


def _codes(case: Any, status: str) -> set[str]:
    call = DOCUMENT["paths"][case.operation.path][case.method.lower()]
    answer = call.get("responses", {}).get(status, {})
    if "$ref" in answer:
        answer = DOCUMENT["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    return set(answer.get("content", {}).get("application/problem+json", {}).get("examples", {}))

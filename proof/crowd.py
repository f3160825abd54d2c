"""One of several processes whose threads post the same thing at the same moment: a line of JSON in, one out."""

from __future__ import annotations

import hashlib
import http.client
import json
import sys
import threading
from typing import Any


def post(asked: dict[str, Any]) -> dict[str, Any]:
    """One request, and what matters of its answer."""
    talk = http.client.HTTPConnection("127.0.0.1", asked["port"], timeout=60)
    try:
        talk.request("POST", asked["path"], json.dumps(asked["body"]), asked["headers"])
        answer = talk.getresponse()
        body = answer.read()
    except OSError as error:
        return {"status": 0, "code": type(error).__name__, "digest": "", "again": None}
    finally:
        talk.close()
    code = json.loads(body).get("code", "") if answer.status >= 400 else ""
    digest = hashlib.sha256(body).hexdigest()
    return {"status": answer.status, "code": code, "digest": digest, "again": answer.headers.get("Retry-After")}


def together(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """So many threads at once, each with one request."""
    gate, answers = threading.Barrier(asked["threads"] + 1), []

    def one() -> None:
        gate.wait()
        answers.append(post(asked))

    threads = [threading.Thread(target=one) for _ in range(asked["threads"])]
    for thread in threads:
        thread.start()
    print("ready", flush=True)
    sys.stdin.readline()
    gate.wait()
    for thread in threads:
        thread.join()
    return answers


if __name__ == "__main__":
    print(json.dumps(together(json.loads(sys.stdin.readline()))), flush=True)

"""Ask, generate, store, show: through the REST door, a real cluster, real sockets and real storage."""

from __future__ import annotations

import hashlib
import io
import json
import random
import time

import pytest
from PIL import Image as Pillow

from proof.site import Place

pytestmark = [pytest.mark.story, pytest.mark.timeout(240)]


def pixels(data: bytes) -> bytes:
    return Pillow.open(io.BytesIO(data)).convert("RGBA").tobytes()


def test_a_picture_goes_through_the_whole_machine(place: Place, gateway) -> None:
    place.cluster()
    answer = place.call(
        "POST", "/api/imagen/v1/generations/", {"prompt": "a lighthouse", "num_images": 2}, Prefer="wait=40"
    )
    assert answer.status == 200, answer.body
    made = answer.json
    assert (made["status"], len(made["images"]), made["cost"]["actual"]) == ("completed", 2, "0.0760")
    files = [place.call("GET", image["url"]).body for image in made["images"]]
    assert [hashlib.sha256(data).hexdigest() for data in files] == [image["sha256"] for image in made["images"]]
    served = [gateway.served[name] for name in sorted(gateway.served)]
    assert [pixels(data) for data in files] == [pixels(data) for data in served]
    health = place.call("GET", "/healthz")
    assert (health.status, health.json["database"]) == (200, "ok")


def test_one_failure_reaches_the_client_in_words(place: Place, gateway) -> None:
    gateway.script("forbidden", failure="Content is filtered due to unknown reasons")
    place.cluster()
    made = place.settled([place.ask("something forbidden")], seconds=40)[0]
    assert (made["status"], made["error"]["code"]) == ("failed", "content_filtered")
    assert made["error"]["next_actions"] == ["edit_prompt"]


def test_workers_killed_at_any_moment_lose_nothing_and_pay_nothing_twice(place: Place, gateway) -> None:
    dice = random.Random(7)
    worker = place.cluster()
    asked = [place.ask(f"picture {number}") for number in range(40)]
    for _ in range(6):
        time.sleep(dice.uniform(0.5, 2.5))
        place.kill(worker)
        worker = place.cluster()
        place.manage("imagen_sweep")
    found = place.settled(asked, seconds=90)
    ended = [each["status"] for each in found]
    assert set(ended) <= {"completed", "unconfirmed"}, ended
    prompts = [job.prompt for job in gateway.jobs]
    assert len(prompts) == len(set(prompts))  # nothing was bought twice
    assert len(prompts) >= ended.count("completed")


def test_a_wiped_queue_loses_nothing(place: Place, gateway) -> None:
    asked = [place.ask(f"picture {number}") for number in range(5)]
    if place.env["REDIS_URL"]:
        import redis  # noqa: PLC0415

        with redis.Redis.from_url(place.env["REDIS_URL"]) as server:
            server.delete(*server.keys("django_q:*"))
    else:
        place.manage("shell", "-c", "from django_q.models import OrmQ; OrmQ.objects.all().delete()")
    place.cluster()
    place.manage("imagen_sweep")
    found = place.settled(asked, seconds=40)
    assert [each["status"] for each in found] == ["completed"] * 5
    assert len(gateway.jobs) == 5


def test_the_worker_without_a_cluster_does_the_same_work(place: Place, gateway) -> None:
    place.start("manage.py", "imagen_worker")
    found = place.settled([place.ask("a lighthouse")], seconds=40)
    assert found[0]["status"] == "completed"


ASK_FOR_MANY = "from imagen import pipeline; [pipeline.request(prompt=f'picture {n}') for n in range(200)]"
COUNT = """
from collections import Counter
import json
from imagen.models import Generation
print(json.dumps(Counter(Generation.objects.values_list("status", flat=True))))
"""


def counted(place: Place) -> dict[str, int]:
    return json.loads(place.manage("shell", "--no-imports", "-c", COUNT).splitlines()[-1])


def test_a_worker_killed_in_the_middle_of_two_hundred_buys_nothing_twice(place: Place, gateway) -> None:
    gateway.script(latency=2.0)
    place.manage("shell", "--no-imports", "-c", ASK_FOR_MANY)
    worker = place.start("manage.py", "imagen_worker")
    while len(gateway.jobs) < 20:  # it is in the middle of sending
        time.sleep(0.01)
    place.kill(worker)
    place.start("manage.py", "imagen_worker")
    until = time.monotonic() + 90
    while {"queued", "processing"} & counted(place).keys() and time.monotonic() < until:
        time.sleep(1)
    ended = counted(place)
    prompts = [job.prompt for job in gateway.jobs]
    assert len(prompts) == len(set(prompts))  # nothing was bought twice
    assert ended.get("completed", 0) + ended.get("unconfirmed", 0) == 200  # and nothing was lost
    assert ended.get("unconfirmed", 0) <= 64  # no more than there are places for calls

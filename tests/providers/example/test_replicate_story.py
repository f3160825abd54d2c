"""From a request to stored pictures through the real engine and real sockets; only Replicate is played."""

import json
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from django.core.management import call_command

from imagen import pipeline
from imagen.testing.pictures import picture

pytestmark = pytest.mark.django_db(transaction=True)


class Loopback(BaseHTTPRequestHandler):
    """Replicate's side: what is created has succeeded when asked after; a "lost" prompt gets no answer."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        made = {"id": f"p{len(self.server.made)}", "input": asked["input"], "status": "starting", "data_removed": False}
        model = self.path.removeprefix("/v1/models/").removesuffix("/predictions")
        self.server.made.append({**made, "model": model, "created_at": datetime.now(UTC).isoformat()})
        self.server.calls.append((self.path, self.headers["authorization"], asked))
        if "lost" not in asked["input"]["prompt"]:
            self.say(201, made)

    def do_GET(self):
        name = self.path.rpartition("/")[2]
        if self.path.startswith("/files/"):
            self.give(200, "image/png", picture(name, (64, 64)))
        elif name.startswith("predictions?"):
            self.say(200, {"next": None, "results": self.server.made})
        else:
            self.say(200, {"id": name, "status": "succeeded", "output": f"{self.server.url}/files/{name}"})

    def say(self, status, document):
        self.give(status, "application/json", json.dumps(document).encode())

    def give(self, status, kind, body):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Keep the test's output free of it."""


@pytest.fixture
def replicate(settings):
    """A site whose only provider is Replicate, on loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Loopback) as server:
        server.made, server.calls, server.url = [], [], f"http://127.0.0.1:{server.server_port}"
        memory = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
        settings.STORAGES = {**settings.STORAGES, "imagen": memory}
        settings.IMAGEN = {
            "PROVIDERS": {
                "replicate": {
                    "BACKEND": "imagen_replicate.Replicate",
                    "OPTIONS": {"api_key": "r8_test", "base_url": server.url},
                },
            },
            "ALLOWED_PRIVATE_HOSTS": [f"127.0.0.1:{server.server_port}"],  # pictures may come from here too
            "POLL_SECONDS": 0.05,
            "SWEEP_SECONDS": 1,  # the worker does not stay for what is due later
        }
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


def work(generation):
    """Let a worker take everything as far as it goes now, as ``manage.py imagen_sweep`` does."""
    call_command("imagen_sweep")
    generation.refresh_from_db()


def test_a_request_becomes_pictures_in_storage(replicate):
    generation = pipeline.request(prompt="A lighthouse", model="imagen-4", num_images=2)
    work(generation)
    assert (generation.status, generation.error_code) == ("completed", "")
    assert [image.format for image in generation.images.all()] == ["png", "png"]


def test_each_picture_of_imagen_is_a_prediction_of_its_own(replicate):
    work(pipeline.request(prompt="A lighthouse", model="imagen-4", num_images=2, output_format="jpeg"))
    said = {"input": {"prompt": "A lighthouse", "aspect_ratio": "1:1", "output_format": "jpg"}}
    assert replicate.calls == [("/v1/models/google/imagen-4/predictions", "Bearer r8_test", said)] * 2


def test_a_submit_whose_answer_is_lost_is_not_sent_again(replicate):
    generation = pipeline.request(prompt="A lost lighthouse", model="imagen-4")
    work(generation)
    work(generation)
    assert (generation.status, len(replicate.calls)) == ("unconfirmed", 1)

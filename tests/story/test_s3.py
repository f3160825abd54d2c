"""Pictures in a bucket: kept privately, reached through short-lived signed addresses, gone when deleted."""

from __future__ import annotations

import hashlib
import http.client
import io
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.config import Config
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.core.management.base import CommandError

from imagen.models import Erasure, Image
from imagen.models.image import storage
from imagen.testing import invariants
from imagen.testing.gateway import Gateway
from proof.site import Place, build, free_port
from tests.factories import completed

pytestmark = [pytest.mark.story, pytest.mark.timeout(180)]
KEYS = {"AWS_ACCESS_KEY_ID": "canary-id", "AWS_SECRET_ACCESS_KEY": "canary-secret"}


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket of a server on loopback that speaks S3; the site that is built next keeps its pictures there."""
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    endpoint = f"http://127.0.0.1:{port}"
    for name, value in {**KEYS, "S3_BUCKET": "pictures", "S3_ENDPOINT_URL": endpoint}.items():
        monkeypatch.setenv(name, value)
    try:
        _await(port)
        found = boto3.resource("s3", endpoint_url=endpoint, region_name="us-east-1").Bucket("pictures")
        found.create()
        yield found
    finally:
        server.terminate()
        server.wait()


def _await(port: int) -> None:
    for _ in range(300):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise AssertionError("the S3 server did not come up")


@pytest.fixture
def site(tmp_path: Path, bucket: Any, gateway: Gateway) -> Iterator[Place]:
    """A whole site whose pictures lie in the bucket."""
    made = build(tmp_path, gateway, database=f"sqlite:///{tmp_path}/db.sqlite3")
    made.cluster()
    yield made
    made.stop()


def redirect(site: Place, address: str) -> http.client.HTTPResponse:
    """What the site itself answers, without going where it sends us."""
    talk = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
    talk.request("GET", urlsplit(address).path, headers={"Authorization": f"Token {site.token}"})
    answer = talk.getresponse()
    answer.read()
    talk.close()
    return answer


def fetch(address: str) -> tuple[Any, bytes]:
    """Headers and bytes at a signed address, as anybody gets them who holds it."""
    with urllib.request.urlopen(address, timeout=30) as reply:
        return reply.headers, reply.read()


def test_a_picture_lives_and_dies_in_a_private_bucket(site: Place, bucket: Any, tmp_path: Path) -> None:
    made = site.call("POST", "/api/imagen/v1/generations/", {"prompt": "a lighthouse"}, Prefer="wait=60").json
    assert made["status"] == "completed", made
    picture = made["images"][0]

    stored = list(bucket.objects.all())
    assert len(stored) == 2  # the picture and its preview
    for each in stored:
        assert [grant["Grantee"]["Type"] for grant in each.Acl().grants] == ["CanonicalUser"]
    assert not [path for path in (tmp_path / "media").rglob("*") if path.is_file()]

    signed = {}
    for name, kind in (("url", f"image/{picture['format']}"), ("thumbnail_url", "image/webp")):
        answer = redirect(site, picture[name])
        signed[name] = answer.headers["Location"]
        facts = parse_qs(urlsplit(signed[name]).query)
        assert answer.status == 302
        assert int(facts["X-Amz-Expires"][0]) <= 900
        assert answer.headers["Cache-Control"] == "private, max-age=600"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        headers, data = fetch(signed[name])
        assert headers["Content-Type"] == kind
        assert headers["Content-Disposition"].startswith(f'inline; filename="{picture["id"]}')
        if name == "url":
            assert (hashlib.sha256(data).hexdigest(), len(data)) == (picture["sha256"], picture["bytes"])
    assert site.call("GET", picture["url"], Authorization="").status == 401

    assert site.call("DELETE", f"/api/imagen/v1/generations/{made['id']}/").status == 204
    assert list(bucket.objects.all()) == []
    assert redirect(site, picture["url"]).status == 404
    for address in signed.values():
        with pytest.raises(urllib.error.HTTPError, match=r"40[34]") as caught:
            fetch(address)
        caught.value.close()


@pytest.fixture
def keep_in(settings: Any) -> Callable[[str], None]:
    """Have our storage, here and now, be a part of a bucket that also holds what is not ours."""

    def use(endpoint: str) -> None:
        options = {"bucket_name": "pictures", "endpoint_url": endpoint, "location": "media/here"}
        options |= {"access_key": "canary-id", "secret_key": "canary-secret", "region_name": "us-east-1"}
        hasty = {"client_config": Config(retries={"total_max_attempts": 1})}
        backend = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {**options, **hasty}}
        settings.STORAGES = {**settings.STORAGES, "imagen": backend}

    return use


@pytest.fixture
def pictures(by_hand: None, bucket: Any, keep_in: Callable[[str], None]) -> Any:
    """Our storage in the bucket, which is gone by the time rows and files are compared after a test."""
    keep_in(bucket.meta.client.meta.endpoint_url)
    return storage()


def pruned(*arguments: str) -> str:
    """What the command says."""
    out = io.StringIO()
    call_command("imagen_prune", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_a_bucket_and_its_rows_are_brought_in_line(bucket: Any, pictures: Any) -> None:
    old, kept = completed(), completed()
    type(old).objects.filter(pk=old.pk).update(completed_at=old.completed_at - timedelta(days=31))
    theirs = {"cover.png", "imagen/other.png", "media/there/imagen/other.png", "media/here/imagenius.png"}
    for name in theirs:
        bucket.put_object(Key=name, Body=b"x")
    stray = pictures.save("imagen/0123/stray.png", ContentFile(b"x"))

    def there() -> set[str]:
        return {entry.key for entry in bucket.objects.all()}

    everything = there()
    assert "Files without a picture to delete: 1" in pruned("--dry-run", "--days", "30", "--grace", "0")
    assert "Files without a picture deleted: 0" in pruned()
    assert there() == everything
    assert pictures.exists(stray)

    out = pruned("--days", "30", "--grace", "0")
    assert "Requests erased: 1" in out
    assert "Files without a picture deleted: 1" in out
    picture = Image.objects.get()
    assert picture.generation == kept
    assert there() == theirs | {f"media/here/{name}" for name in picture.files}

    invariants.check()

    pictures.delete(picture.thumbnail.name)
    with pytest.raises(CommandError, match="1 picture has no file or no preview in storage"):
        pruned()
    assert Image.objects.get() == picture


@pytest.mark.django_db(transaction=True)
def test_a_bucket_that_does_not_answer_is_said_and_nothing_is_lost(
    bucket: Any, pictures: Any, keep_in: Callable[[str], None]
) -> None:
    old = completed()
    type(old).objects.filter(pk=old.pk).update(completed_at=old.completed_at - timedelta(days=31))
    names = {entry.key for entry in bucket.objects.all()}
    keep_in(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(CommandError, match=r"The storage failed \(\w+\)\. What was done stays done") as failed:
        pruned("--days", "30")
    assert failed.value.returncode == 1
    assert {f"media/here/{row.name}" for row in Erasure.objects.all()} == names
    keep_in(bucket.meta.client.meta.endpoint_url)
    pruned()
    assert (Erasure.objects.count(), list(bucket.objects.all())) == (0, [])

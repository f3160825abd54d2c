"""What reaches storage is a whole, marked picture; what storage does wrong is noticed."""

from __future__ import annotations

import errno
import io
import os
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from PIL import Image as Pillow

from imagen import files, marks
from imagen.exceptions import OutputError, StorageError
from imagen.models import Erasure
from tests import factories


def picture(form: str = "PNG", size: tuple[int, int] = (64, 48), mode: str = "RGB", **options: Any) -> bytes:
    out = io.BytesIO()
    Pillow.effect_noise(size, 50).convert(mode).save(out, form, **options)
    return out.getvalue()


def stored(media: Path) -> list[Path]:
    return sorted(path for path in media.rglob("*") if path.is_file())


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_picture_is_kept_marked_with_a_preview(media, form, mode):
    kept = files.keep(files.prepare(picture(form, mode=mode), system="a model"), folder=uuid.uuid4())
    assert (kept.width, kept.height, kept.format) == (64, 48, form.lower())
    assert all(marks.marked(path.read_bytes()) for path in stored(media))
    assert len(stored(media)) == 2


def test_transparency_survives_in_the_preview(media):
    out = io.BytesIO()
    Pillow.new("RGBA", (64, 48), (255, 0, 0, 90)).save(out, "PNG")
    ready = files.prepare(out.getvalue(), system="x")
    assert "A" in Pillow.open(io.BytesIO(ready.small)).getbands()


def test_keeping_the_same_picture_again_changes_nothing(media):
    ready, folder = files.prepare(picture(), system="x"), uuid.uuid4()
    first = files.keep(ready, folder=folder)
    before = [(path, path.stat().st_mtime_ns) for path in stored(media)]
    assert files.keep(ready, folder=folder) == first
    assert [(path, path.stat().st_mtime_ns) for path in stored(media)] == before


def test_half_a_file_of_the_same_name_is_replaced(media):
    ready, folder = files.prepare(picture(), system="x"), uuid.uuid4()
    kept = files.keep(ready, folder=folder)
    (media / kept.name).write_bytes(b"half")
    assert files.keep(ready, folder=folder) == kept
    assert (media / kept.name).read_bytes() == ready.data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        picture()[:-40],
        picture("JPEG")[: len(picture("JPEG")) // 2],
        picture("GIF", mode="P"),
        picture("PNG")[:-12],
    ],
    ids=["empty", "html", "cut png", "half a jpeg", "gif", "png without its end"],
)
def test_what_is_no_whole_picture_is_refused(data):
    with pytest.raises(OutputError) as refused:
        files.prepare(data, system="x")
    assert (refused.value.code, refused.value.tries) == ("output_invalid", 3)


def test_more_pixels_than_allowed_are_refused_before_decoding(settings):
    settings.IMAGEN = {"MAX_PIXELS": 100}
    with pytest.raises(OutputError) as refused:
        files.prepare(picture(), system="x")
    assert refused.value.code == "output_too_large"


def test_a_bomb_is_refused_by_its_header(monkeypatch):
    monkeypatch.setattr(Pillow, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(OutputError) as refused:
        files.prepare(picture(), system="x")
    assert refused.value.code == "output_too_large"


def test_bytes_behind_the_end_are_cut_off():
    assert b"<script>" not in files.prepare(picture() + b"<script>", system="x").data


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "storage_full"), (errno.EDQUOT, "storage_full"), (errno.EIO, "storage_unavailable")],
)
def test_storage_that_fails_says_how_and_leaves_nothing(media, monkeypatch, number, code):
    def fail(*args: Any) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageError) as failed:
        files.keep(files.prepare(picture(), system="x"), folder=uuid.uuid4())
    assert failed.value.code == code
    assert stored(media) == []


def test_storage_that_keeps_another_size_is_not_believed(media, monkeypatch):
    place = files.storage()
    monkeypatch.setattr(type(place), "size", lambda self, name: 1, raising=False)
    with pytest.raises(StorageError):
        files.keep(files.prepare(picture(), system="x"), folder=uuid.uuid4())
    assert stored(media) == []


def test_a_storage_that_is_no_file_system_is_given_the_bytes(settings):
    settings.STORAGES = {**settings.STORAGES, "imagen": {"BACKEND": "django.core.files.storage.InMemoryStorage"}}
    ready = files.prepare(picture(), system="x")
    kept = files.keep(ready, folder=uuid.uuid4())
    with files.storage().open(kept.name) as file:
        assert file.read() == ready.data


def test_without_its_alias_the_default_storage_is_used(settings, media):
    settings.STORAGES = {name: value for name, value in settings.STORAGES.items() if name != "imagen"}
    kept = files.keep(files.prepare(picture(), system="x"), folder=uuid.uuid4())
    assert (media / kept.name).exists()


@pytest.mark.django_db
def test_unfinished_files_go_after_an_hour(media):
    old, new = files.workspace() / "old", files.workspace() / "new"
    old.write_bytes(b"x")
    new.write_bytes(b"x")
    os.utime(old, (time.time() - 3610,) * 2)
    os.utime(new, (time.time() - 3590,) * 2)
    files.clear()
    assert (old.exists(), new.exists()) == (False, True)


@pytest.mark.django_db
def test_deleting_takes_a_few_seconds_at_most_and_goes_on_at_the_next_sweep(monkeypatch):
    Erasure.objects.bulk_create([Erasure(name="imagen/nobody/one.png"), Erasure(name="imagen/nobody/two.png")])
    with monkeypatch.context() as patch:
        patch.setattr(files, "_CLEAR_SECONDS", 0.0)
        files.clear()
    assert Erasure.objects.count() == 2
    files.clear()
    assert not Erasure.objects.exists()


def test_a_file_that_is_there_with_other_bytes_is_stored_again(media):
    ready, folder = files.prepare(picture(), system="x"), uuid.uuid4()
    kept = files.keep(ready, folder=folder)
    (media / kept.name).write_bytes(ready.data[:-1] + b"x")
    assert files.keep(ready, folder=folder) == kept
    assert (media / kept.name).read_bytes() == ready.data


def test_storage_that_keeps_other_bytes_of_the_same_size_is_not_believed(media, monkeypatch):
    monkeypatch.setattr(Storage, "open", lambda self, name, mode="rb": ContentFile(b"x" * self.size(name)))
    with pytest.raises(StorageError):
        files.keep(files.prepare(picture(), system="x"), folder=uuid.uuid4())
    assert stored(media) == []


@pytest.mark.django_db
@pytest.mark.by_hand("nobody else puts a file into this folder")
def test_a_doomed_file_that_a_picture_has_again_stays():
    pk, place = uuid.uuid4(), files.storage()
    mine, other = (place.save(f"imagen/{pk}/{name}.png", ContentFile(b"x")) for name in ("mine", "other"))
    factories.image(factories.generation(status="completed", pictures=True), id=pk, file=mine)
    files.doom([mine, other])
    files.purge(seconds=9)
    assert (place.exists(mine), place.exists(other), Erasure.objects.count()) == (True, False, 0)

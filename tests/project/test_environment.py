"""The environment of the demo project: each variable says what it says, or the error names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from redis import StrictRedis

from project.environment import POSTGRESQL_OPTIONS, database, encryption_keys, flag, merge, overlay, redis, words


@pytest.mark.parametrize(
    ("text", "expected"), [("", True), ("1", True), ("True", True), ("yes", True), ("0", False), ("no", False)]
)
def test_a_flag_is_read(text: str, expected: bool) -> None:
    assert flag({"DEBUG": text}, "DEBUG", default=True) is expected


def test_an_unset_flag_has_its_default() -> None:
    assert flag({}, "DEBUG", default=False) is False


def test_an_unreadable_flag_is_named() -> None:
    with pytest.raises(ImproperlyConfigured, match="DEBUG must be 1 or 0"):
        flag({"DEBUG": "perhaps"}, "DEBUG", default=True)


def test_words_are_separated_by_commas() -> None:
    assert words({"ALLOWED_HOSTS": " a.example, ,b.example "}, "ALLOWED_HOSTS") == ["a.example", "b.example"]


def test_an_empty_list_of_words_has_its_default() -> None:
    assert words({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS", ("localhost",)) == ["localhost"]


def test_sqlite_opens_with_the_options_that_prevent_locks(tmp_path: Path) -> None:
    found = database("sqlite:///deep/down/db.sqlite3", base=tmp_path)
    assert found["NAME"] == str(tmp_path / "deep/down/db.sqlite3")
    assert found["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert found["OPTIONS"]["timeout"] == 20
    assert "journal_mode=WAL" in found["OPTIONS"]["init_command"]
    assert "synchronous=NORMAL" in found["OPTIONS"]["init_command"]


def test_the_folder_of_a_sqlite_file_is_made(tmp_path: Path) -> None:
    database("sqlite:///var/db.sqlite3", base=tmp_path)
    assert (tmp_path / "var").is_dir()


def test_four_slashes_are_an_absolute_sqlite_path(tmp_path: Path) -> None:
    assert database(f"sqlite:///{tmp_path}/a b.sqlite3".replace(" ", "%20"), base=Path("/nowhere"))["NAME"] == str(
        tmp_path / "a b.sqlite3"
    )


def test_sqlite_may_live_in_memory(tmp_path: Path) -> None:
    assert database("sqlite:///:memory:", base=tmp_path)["NAME"] == ":memory:"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_a_postgresql_url_is_taken_apart(scheme: str, tmp_path: Path) -> None:
    found = database(f"{scheme}://an%40a:s%2Fe@db.example:5433/imag%65n?sslmode=require", base=tmp_path)
    assert found == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "imagen",
        "USER": "an@a",
        "PASSWORD": "s/e",
        "HOST": "db.example",
        "PORT": "5433",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**POSTGRESQL_OPTIONS, "sslmode": "require"},
    }


def test_a_postgresql_that_does_not_answer_is_an_error_within_seconds(tmp_path: Path) -> None:
    options = database("postgres://db.example/imagen?tcp_user_timeout=9000", base=tmp_path)["OPTIONS"]
    assert options["connect_timeout"] == 3
    assert options["tcp_user_timeout"] == "9000"


@pytest.mark.parametrize(
    ("url", "facts"),
    [
        ("redis://an%40a:s@r.example:6380/4", {"host": "r.example", "port": 6380, "db": 4, "username": "an@a"}),
        ("rediss://r.example/1", {"ssl": True, "host": "r.example", "db": 1}),
        ("unix:///run/redis.sock?db=2", {"unix_socket_path": "/run/redis.sock", "db": 2}),
        ("redis://r.example?socket_timeout=9", {"socket_timeout": 9.0, "socket_connect_timeout": 2.0}),
    ],
)
def test_a_redis_url_is_taken_apart(url: str, facts: dict[str, Any]) -> None:
    found = redis(url)
    assert facts.items() <= found.items()
    StrictRedis(**found).close()


def test_a_wrong_redis_url_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="REDIS_URL must start with"):
        redis("amqp://localhost")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://localhost/imagen", "must start with"),
        ("sqlite:///", "names no SQLite file"),
        ("postgres://localhost:port/imagen", "host or port"),
    ],
)
def test_a_wrong_database_url_is_refused(url: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match=sentence):
        database(url, base=tmp_path)


def test_a_wrong_database_url_does_not_show_its_password(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        database("mysql://me:hunter2@localhost/imagen", base=tmp_path)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("over", "expected"),
    [
        ({"BUDGET": {"default_monthly": "5"}}, {"BUDGET": {"currency": "USD", "default_monthly": "5"}, "ROUTE": ["a"]}),
        ({"ROUTE": ["b"]}, {"BUDGET": {"currency": "USD"}, "ROUTE": ["b"]}),
        ({"BUDGET": None}, {"ROUTE": ["a"]}),
        ({"BUDGET": {"currency": None}}, {"BUDGET": {}, "ROUTE": ["a"]}),
        ({"NEW": {"deep": {"er": 1}}}, {"BUDGET": {"currency": "USD"}, "ROUTE": ["a"], "NEW": {"deep": {"er": 1}}}),
        ({"MISSING": None}, {"BUDGET": {"currency": "USD"}, "ROUTE": ["a"]}),
        ({"ROUTE": {"x": 1}}, {"BUDGET": {"currency": "USD"}, "ROUTE": {"x": 1}}),
    ],
)
def test_objects_merge_deeply_lists_replace_and_null_deletes(over: dict[str, Any], expected: dict[str, Any]) -> None:
    assert merge({"BUDGET": {"currency": "USD"}, "ROUTE": ["a"]}, over) == expected


def test_merging_leaves_the_base_alone() -> None:
    base = {"BUDGET": {"currency": "USD"}}
    merge(base, {"BUDGET": {"currency": "EUR"}})
    assert base == {"BUDGET": {"currency": "USD"}}


@pytest.mark.parametrize(("text", "sentence"), [("{", "is not JSON"), ("[1]", "must be a JSON object")])
def test_unreadable_imagen_settings_are_refused(text: str, sentence: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"IMAGEN_SETTINGS {sentence}"):
        overlay(text)


def test_no_imagen_settings_change_nothing() -> None:
    assert overlay("") == {}


def test_keys_to_encrypt_with_come_from_the_environment(tmp_path: Path) -> None:
    assert encryption_keys({"IMAGEN_ENCRYPTION_KEYS": "new, old"}, home=tmp_path) == ["new", "old"]
    assert not list(tmp_path.iterdir())


def test_without_any_a_demo_keeps_one_that_nobody_else_may_read(tmp_path: Path) -> None:
    (key,) = encryption_keys({}, home=tmp_path / "var")
    assert Fernet(key)
    assert encryption_keys({}, home=tmp_path / "var") == [key]
    assert (tmp_path / "var" / "encryption.key").stat().st_mode & 0o777 == 0o600


def test_without_any_and_without_debug_there_is_none() -> None:
    assert encryption_keys({}, home=None) == []

"""A worker learns that its cluster stops by a wrap of two methods of django-q2, and does without where they changed."""

from __future__ import annotations

import django_q.cluster
import pytest
from django_q.signals import post_spawn

from imagen import cluster

SILENT = "does not say when its cluster stops"


class Known:
    """The part of django-q2's cluster that we rely on: ``start`` forks, ``stop`` is called on a signal."""

    inherited = None

    def start(self) -> int:
        self.inherited = cluster._flag  # what is forked here has it
        return 7

    def stop(self) -> str:
        return "stopped"

    @property
    def told(self) -> bool:
        return self.inherited[0] == 1


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> type[Known]:
    """A cluster as django-q2 has it, and a process without one."""
    found = type("Cluster", (Known,), {"start": Known.start, "stop": Known.stop})
    monkeypatch.setattr(django_q.cluster, "Cluster", found)
    monkeypatch.setattr(cluster, "_flag", None)
    return found


def test_the_cluster_of_the_django_q2_that_is_installed_is_listened_to():
    for method in (django_q.cluster.Cluster.start, django_q.cluster.Cluster.stop):
        assert method.__wrapped__.__module__ == "django_q.cluster"
        assert method.__module__ == "django_q.cluster"


def test_outside_of_a_cluster_nobody_stops():
    assert not cluster.stopping()


def test_what_was_forked_at_the_start_hears_that_the_cluster_stops(known):
    cluster.listen()
    running = known()
    assert running.start() == 7
    assert not running.told
    assert not cluster.stopping()
    assert running.stop() == "stopped"
    assert running.told
    assert cluster.stopping()


def test_a_cluster_of_the_sites_own_is_listened_to_as_well(known):
    cluster.listen()

    class Own(known):
        def start(self) -> int:
            return super().start() + 1

        def stop(self) -> str:
            return f"our own {super().stop()}"

    running = Own()
    running.start()
    assert running.stop() == "our own stopped"
    assert running.told


def test_one_that_started_again_is_not_stopping(known):
    cluster.listen()
    running = known()
    running.start()
    running.stop()
    running.start()
    assert not running.told
    assert not cluster.stopping()
    running.stop()
    assert running.told


def test_of_two_in_one_process_the_one_that_stops_is_meant(known):
    cluster.listen()
    first, second = known(), known()
    first.start()
    second.start()
    first.stop()
    assert (first.told, second.told) == (True, False)


def test_one_that_is_stopped_before_it_started_stops(known):
    cluster.listen()
    assert known().stop() == "stopped"
    assert not cluster.stopping()


@pytest.mark.parametrize("method", ["start", "stop"])
def test_a_django_q2_we_do_not_know_is_left_as_it_is_and_that_is_said_once(monkeypatch, caplog, method):
    monkeypatch.setattr(django_q.cluster, "Cluster", type("Cluster", (), {method: Known.stop}))
    cluster.listen()
    assert caplog.text.count(SILENT) == 1
    assert getattr(django_q.cluster.Cluster, method) is Known.stop


def test_a_django_q2_without_a_cluster_is_no_error(monkeypatch, caplog):
    monkeypatch.delattr(django_q.cluster, "Cluster")
    cluster.listen()
    assert caplog.text.count(SILENT) == 1


def test_a_worker_that_inherits_nothing_says_so(monkeypatch, caplog):
    monkeypatch.setattr(cluster, "_flag", None)
    post_spawn.send(sender="django_q", proc_name="a worker")
    assert caplog.text.count(SILENT) == 1


def test_a_worker_that_will_hear_says_nothing(monkeypatch, caplog):
    monkeypatch.setattr(cluster, "_flag", bytearray(1))
    post_spawn.send(sender="django_q", proc_name="a worker")
    assert SILENT not in caplog.text

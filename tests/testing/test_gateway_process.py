"""The gateway among clients, the gateway as a process, and what ``imagen.testing`` gives away."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

import imagen.testing
from imagen.testing.gateway import Gateway

WORDS = {"prompt": "a kitten"}


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_it_runs_as_a_process_until_a_signal_ends_it(end: signal.Signals):
    options = ["--port", "0", "--scale", "0.1", "--secret", "whsec_told"]
    command = [sys.executable, "-W", "error", "-m", "imagen.testing.gateway", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        request = urllib.request.Request(f"{url}/api/v3/webhook/secret", headers={"Authorization": "Bearer wsk_test"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert json.load(answer)["data"] == {"secret": "whsec_told"}
        process.send_signal(end)
        _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, "")


def test_the_gateway_needs_no_pytest_and_no_django():
    code = "import sys, imagen.testing.gateway; print(sorted({'pytest', 'django', 'httpx'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_package_gives_its_three_names():
    assert imagen.testing.Gateway is Gateway
    assert {name: getattr(imagen.testing, name).__name__ for name in imagen.testing.__all__} == {
        name: name for name in ("Gateway", "ProviderContract", "Script")
    }
    with pytest.raises(AttributeError, match="Sandbox"):
        _ = imagen.testing.Sandbox


def test_the_fixture_is_fresh_for_every_test(imagen_gateway: Gateway):
    assert (imagen_gateway.jobs, imagen_gateway.calls, imagen_gateway.served) == ([], [], {})


# Sockets


def test_a_connection_serves_many_requests(client: httpx.Client):
    assert [client.get("/api/v3/balance").status_code for _ in range(3)] == [200, 200, 200]


def test_it_closes_when_the_client_asks(client: httpx.Client):
    assert client.get("/api/v3/balance", headers={"Connection": "close"}).status_code == 200


@pytest.mark.parametrize("noise", [b"", b"\r\n\r\n", b"GET\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"])
def test_noise_ends_only_its_own_connection(imagen_gateway: Gateway, client: httpx.Client, noise: bytes):
    with socket.create_connection((imagen_gateway.host, imagen_gateway.port), timeout=5) as raw:
        raw.sendall(noise)
        raw.shutdown(socket.SHUT_WR)
        assert raw.recv(100) == b""
    assert client.get("/api/v3/balance").status_code == 200


def test_many_clients_are_served_at_once(imagen_gateway: Gateway):
    imagen_gateway.script(submit="slow", seconds=0.3)
    headers = {"Authorization": "Bearer wsk_test"}

    def ask(_: int) -> int:
        url = f"{imagen_gateway.url}/api/v3/google/imagen4"
        return httpx.post(url, json=WORDS, headers=headers, trust_env=False).status_code

    start = time.monotonic()
    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(ask, range(20))) == [200] * 20
    assert time.monotonic() - start < 20 * 0.3
    assert len(imagen_gateway.jobs) == 20


def test_a_port_that_is_taken_is_said_at_once(imagen_gateway: Gateway):
    with pytest.raises(OSError, match="in use"), Gateway(port=imagen_gateway.port):
        pass


def test_it_ends_with_clients_still_waiting(call: Any):
    with Gateway() as gateway, socket.create_connection((gateway.host, gateway.port), timeout=5) as raw:
        caller = call(gateway)
        caller.client.timeout = 0.1
        caller.submit()  # and its connection stays open
        raw.sendall(b"GET /half")
        gateway.script(submit="hang")
        with pytest.raises(httpx.ReadTimeout):
            caller.submit()
        gateway.stop()
        assert raw.recv(100) == b""

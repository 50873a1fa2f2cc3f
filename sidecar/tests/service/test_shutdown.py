"""Signals to the process, and its exit codes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from sidecar.tests.service.fake_engine import item, until


@dataclass
class Service:
    process: subprocess.Popen[bytes]
    client: httpx.Client
    folder: Path

    @property
    def entered(self) -> bool:
        return (self.folder / "entered").exists()

    def go(self) -> None:
        (self.folder / "go").touch()

    def post(self, prefix: str = "a") -> httpx.Response:
        return self.client.post("/v1/score", json={"items": [item(prefix)]})

    def listens(self) -> bool:
        try:
            self.client.get("/healthz")
        except httpx.TransportError:
            return False
        return True

    def waiting(self) -> bool:
        return "sidecar_queue 1.0" in self.client.get("/metrics").text

    def ended(self) -> tuple[int, str]:
        return self.process.wait(30), (self.folder / "log").read_text()


@contextmanager
def service(tmp_path: Path, phase: str, **environ: str) -> Iterator[Service]:
    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir(exist_ok=True)
    (checkpoint / "config.json").write_text("{}")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    # The log is a file, because nothing would read a pipe while the test runs.
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "sidecar.tests.service.fake_service", phase, str(tmp_path)],
            env=os.environ
            | {"SIDECAR_PORT": str(port), "SIDECAR_SCORER_DIR": str(checkpoint), "SIDECAR_STYLER_DIR": str(checkpoint)}
            | environ,
            stderr=log,
        )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        try:
            running = Service(process, client, tmp_path)
            until(lambda: running.listens() or process.poll() is not None, 60)
            yield running
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize(("header", "codes"), [("1", [None, "stopping"]), ("", [None, None])])
def test_after_sigterm_a_client_of_partial_answers_gets_the_finished_items(
    tmp_path: Path, header: str, codes: list[str | None]
) -> None:
    with service(tmp_path, "run") as it, ThreadPoolExecutor(1) as pool:
        until(lambda: it.client.get("/healthz").status_code == 200)
        body = {"items": [item("a"), item("b")]}
        running = pool.submit(it.client.post, "/v1/score", json=body, headers={"Harvest-Partial": header})
        until(lambda: it.entered)
        it.process.send_signal(signal.SIGTERM)
        until(lambda: it.client.get("/healthz").json() == {"status": "stopping"})
        it.go()
        answer = running.result(30)
        assert answer.status_code == 200
        assert [(one.get("error") or {}).get("code") for one in answer.json()["items"]] == codes
        assert it.ended()[0] == 0


def test_sigterm_finishes_the_running_batch_and_refuses_the_rest(tmp_path: Path) -> None:
    with service(tmp_path, "run") as it, ThreadPoolExecutor(2) as pool:
        until(lambda: it.client.get("/healthz").status_code == 200)
        running = pool.submit(it.post, "running")
        until(lambda: it.entered)
        queued = pool.submit(it.post, "queued")
        until(it.waiting)
        it.process.send_signal(signal.SIGTERM)
        waited = queued.result(30)
        late = it.post("late")
        health = it.client.get("/healthz")
        assert it.process.poll() is None
        it.go()
        finished = running.result(30)
        code, log = it.ended()
    assert finished.status_code == 200
    assert finished.json()["items"][0]["answers"][1]["text"] == "running|\nstyles"
    for refused in (waited, late):
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "stopping"
        assert int(refused.headers["retry-after"]) > 0
    assert (health.status_code, health.json()) == (503, {"status": "stopping"})
    assert code == 0, log
    assert "Traceback" not in log


@pytest.mark.parametrize("phase", ["load", "idle"])
def test_sigterm_ends_an_idle_process_immediately(tmp_path: Path, phase: str) -> None:
    with service(tmp_path, phase) as it:
        if phase == "load":
            until(lambda: it.entered)
        else:
            until(lambda: it.client.get("/healthz").status_code == 200)
        it.process.send_signal(signal.SIGTERM)
        code, log = it.ended()
    assert code == 0, log
    assert "Traceback" not in log


@pytest.mark.parametrize("impatience", ["second signal", "grace is over"])
def test_a_second_signal_or_the_end_of_the_grace_period_abandons_the_batch(tmp_path: Path, impatience: str) -> None:
    grace = "0.5" if impatience == "grace is over" else "300"
    with service(tmp_path, "run", SIDECAR_GRACE_SECONDS=grace) as it, ThreadPoolExecutor(1) as pool:
        until(lambda: it.client.get("/healthz").status_code == 200)
        running = pool.submit(it.post)
        until(lambda: it.entered)
        it.process.send_signal(signal.SIGTERM)
        if impatience == "second signal":
            until(lambda: it.client.get("/healthz").status_code == 503)
            it.process.send_signal(signal.SIGTERM)
        code, log = it.ended()
        with suppress(httpx.TransportError):  # the client then sends the request again, as after a 5xx
            assert running.result(30).status_code >= 500
    assert code == 1
    assert "abandoned" in log


def test_a_port_in_use_ends_the_process(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        service(tmp_path, "idle", SIDECAR_PORT=str(taken.getsockname()[1])) as it,
    ):
        code, log = it.ended()
    assert code == 1
    assert "address already in use" in log


def test_every_fault_of_the_environment_is_reported_before_anything_loads(tmp_path: Path) -> None:
    with service(tmp_path, "idle", SIDECAR_SCORER_DIR=str(tmp_path), SIDECAR_QUEUE="many", SIDECAR_DTYP="fp16") as it:
        code, log = it.ended()
    assert code == 2
    for name in ("SIDECAR_SCORER_DIR", "SIDECAR_QUEUE", "SIDECAR_DTYP"):
        assert name in log


def test_the_service_is_imported_without_torch() -> None:
    """The import of torch takes seconds. Meanwhile, the service must answer its probes."""
    code = "import sys, sidecar.service.main; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[3]).returncode == 0

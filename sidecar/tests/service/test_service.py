"""The service as a process with a small random model. It is killed in the middle of a request, and restarted."""

from __future__ import annotations

import base64
import io
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from sidecar.tests.service.fake_engine import until
from sidecar.tools import synthetic
from sidecar.tools.prompts import prefix

START_SECONDS = 120


class Process:
    """A process of the service. A test can kill it, and start it again on the same port."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self.environ = {k: v for k, v in os.environ.items() if not k.startswith("SIDECAR_")} | {
            "SIDECAR_PORT": str(port),
            "SIDECAR_SCORER_DIR": str(synthetic.write(folder / "scorer", seed=1)),
            "SIDECAR_STYLER_DIR": str(synthetic.write(folder / "styler", seed=2)),
            "SIDECAR_DEVICE": "cpu",
            "SIDECAR_DTYPE": "fp32",
            "SIDECAR_MAX_PIXELS": "1000000",
            "SIDECAR_MAX_TOKENS": "3000",
            "OMP_NUM_THREADS": "2",
        }
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120)
        self.log = folder / "log"
        self.start()

    def start(self) -> None:
        with self.log.open("a") as log:
            self._process = subprocess.Popen([sys.executable, "-m", "sidecar"], env=self.environ, stderr=log)

    def end(self, how: signal.Signals) -> int:
        self._process.send_signal(how)
        return self._process.wait(60)

    def status(self) -> int | None:
        """Returns the status of /healthz; None while the process does not listen."""
        assert self._process.poll() is None, self.log.read_text()
        try:
            return self.client.get("/healthz").status_code
        except httpx.TransportError:
            return None

    def post(self, *items: dict[str, Any]) -> httpx.Response:
        return self.client.post("/v1/score", json={"items": list(items)})

    def batches(self) -> float:
        text = self.client.get("/metrics").text
        return float(text.split("\nsidecar_queue_seconds_count ")[1].split()[0])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    process = Process(tmp_path_factory.mktemp("service"))
    try:
        until(lambda: process.status() == 200, START_SECONDS)
        yield process
    finally:
        process.end(signal.SIGKILL)
        process.client.close()


def picture(hue: int, size: tuple[int, int] = (60, 40)) -> bytes:
    file = io.BytesIO()
    Image.effect_mandelbrot(size, (-2, -1.5, 1, 1.5), 9 + hue).save(file, "PNG")
    return file.getvalue()


def sample(text: str, *images: bytes, max_tokens: int = 12) -> dict[str, Any]:
    digits = ["0", "1", "2", "3", "4", "5"]
    return {
        "images": [base64.b64encode(image).decode() for image in images],
        "prefix": [part if isinstance(part, str) else vars(part) for part in prefix(text)],
        "queries": [
            {"model": "scorer", "text": "\nHow do you rate the cat?", "choices": digits},
            {"model": "scorer", "text": "\nHow do you rate the scale of it?", "choices": digits},
            {"model": "styler", "text": "\nStyles: ", "max_tokens": max_tokens},
        ],
    }


def samples() -> list[dict[str, Any]]:
    asked = [sample(f"Question: <image>\nWhat is in picture {k}? Answer: A cat.", picture(k)) for k in range(4)]
    return [*asked, sample("Question: What? Answer: Text only."), sample("<image> or <image>?", picture(1), picture(2))]


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Returns whether the answers to two items are equal within rounding."""
    if a["flags"] != b["flags"]:
        return False
    for one, two in zip(a["answers"], b["answers"], strict=True):
        if "text" in one:
            if one != two:
                return False
        elif one["argmax_id"] != two["argmax_id"] or one["logprobs"] != pytest.approx(two["logprobs"], abs=1e-3):
            return False
    return True


def test_items_are_answered_equally_alone_and_together(service: Process) -> None:
    together = service.post(*samples()).json()["items"]
    alone = [service.post(it).json()["items"][0] for it in reversed(samples())][::-1]
    assert all(same(a, b) for a, b in zip(together, alone, strict=True))
    assert not same(together[0], together[1]), "the image does not matter"
    assert [it["flags"] for it in together] == [[]] * 4 + [["off_reference"]] * 2
    assert all(0 < answer["mass"] <= 1 for it in together for answer in it["answers"][:2])


def test_invalid_items_do_not_change_the_other_answers(service: Process) -> None:
    question = "Question: <image>\nWhat? Answer: A cat."
    faults = {
        "image_undecodable": sample(question, b"no image"),
        "image_too_large": sample(question, picture(0, (1001, 1000))),
        "prompt_too_long": sample(question + " cat" * 4000, picture(0)),
        "choice_not_a_token": sample(question, picture(0))
        | {"queries": [{"model": "scorer", "text": "", "choices": ["picture of 5 cats"]}]},
    }
    good = sample(question, picture(0))
    alone = service.post(good).json()["items"][0]
    mixed = service.post(good, *faults.values(), good).json()["items"]
    assert [it["error"]["code"] for it in mixed[1:-1]] == list(faults)
    assert same(mixed[0], alone)
    assert same(mixed[-1], alone)


def test_metrics_report_the_work_of_the_engine(service: Process) -> None:
    assert service.post(*samples()).status_code == 200
    text = service.client.get("/metrics").text
    for stage in ("decode", "vision", "prefill", "styler"):
        assert f'sidecar_stage_seconds_count{{stage="{stage}"}}' in text
    for name in ("samples_total", "tokens_shared_total", "pack_fill_count"):
        assert float(text.split(f"\nsidecar_{name} ")[1].split()[0]) > 0


def test_a_process_that_was_killed_and_restarted_gives_the_same_answers(service: Process) -> None:
    before = service.post(*samples()).json()
    batches = service.batches()
    long = [sample(f"Question: <image>\nWhat {k}? Answer: A cat.", picture(k), max_tokens=200) for k in range(32)]
    with ThreadPoolExecutor(1) as pool:
        lost = pool.submit(service.post, *long)
        until(lambda: service.batches() > batches)
        assert service.end(signal.SIGKILL) == -signal.SIGKILL
        with pytest.raises(httpx.TransportError):
            lost.result(60)
    service.start()
    until(lambda: service.status() is not None, START_SECONDS)
    until(lambda: service.status() == 200, START_SECONDS)
    after = service.post(*samples()).json()
    assert after["models"] == before["models"]
    assert before["models"]["scorer"] != before["models"]["styler"]
    assert all(same(a, b) for a, b in zip(after["items"], before["items"], strict=True))


def test_sigterm_answers_the_running_request(service: Process) -> None:
    batches = service.batches()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(service.post, *samples())
        until(lambda: service.batches() > batches)
        code = service.end(signal.SIGTERM)
        assert running.result(60).status_code == 200
    assert code == 0, service.log.read_text()

"""A fast path is used only if it decodes the tokens of the slow path and is not slower. The tests inject faults."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import torch

from sidecar import checkpoint, proof
from sidecar.config import EngineConfig
from sidecar.model import Model
from sidecar.protocol import Limits
from sidecar.runner import Runner
from sidecar.service.metrics import Metrics
from sidecar.sizes import Needs, choose
from sidecar.tokens import Tokens

FASTER, SLOWER = (0.0, 2.0, 2.0, 3.0), (0.0, 1.0, 1.0, 3.0)
"""Times of a clock before and after the slow path, and then before and after the fast path."""


def clock(times: Iterable[float]) -> Callable[[], float]:
    return iter(times).__next__


def fails(error: Exception) -> Callable[[], int]:
    def run() -> int:
        raise error

    return run


@pytest.mark.parametrize(
    ("fast", "times", "reason"),
    [
        (lambda: 1, FASTER, None),
        (lambda: 1, SLOWER, "slower"),
        (lambda: 1, (0.0, 1.0, 1.0, 2.0), None),
        (lambda: 2, FASTER, "unequal"),
        (fails(ValueError("no kernel")), FASTER, "error"),
        (fails(torch.OutOfMemoryError("CUDA out of memory")), FASTER, "error"),
    ],
)
def test_the_reason_of_a_refusal(fast: Callable[[], int], times: tuple[float, ...], reason: str | None) -> None:
    assert proof.refusal(fast, lambda: 1, int.__eq__, clock(times)) == reason


def test_a_comparison_that_fails_refuses_the_path() -> None:
    assert proof.refusal(lambda: 1, lambda: 1, lambda *_: fails(ValueError("x"))() > 0, clock(FASTER)) == "error"


def test_a_path_that_loses_the_device_ends_the_start_with_advice() -> None:
    lost = RuntimeError("CUDA error: an illegal memory access was encountered")
    with pytest.raises(RuntimeError, match="SIDECAR_FAST=off"):
        proof.refusal(fails(lost), lambda: 1, int.__eq__, clock(FASTER))


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def runner(tiny: Path, metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """A runner that uses the GPU's fast paths without compiling them. It has few prompts, because each takes seconds on
    a CPU."""
    monkeypatch.setattr(proof, "PROMPTS", 2)
    limits = Limits(tokens=1024)
    config = EngineConfig({}, "cpu", "fp32", pack_tokens=1152, limits=limits, observer=metrics)
    network, tokens = checkpoint.load(tiny, "cpu", torch.float32), Tokens(tiny)
    model = Model(network, flex=True, compiled=None, lengths=(1152,))
    generation = checkpoint.Generation(1.05, frozenset([tokens.end]))
    sizes = choose(Needs(1, 1), None, 1024, config.pack_tokens)
    return Runner("id", model, tokens, generation, config, sizes)


def spoil(monkeypatch: pytest.MonkeyPatch, fault: Callable[[Any], None]) -> None:
    """Injects a fault into the passes of the fast path."""
    original = Model.prefill

    def prefill(self: Model, *args: Any, **options: Any) -> Any:
        result = original(self, *args, **options)
        if self.fast_paths:
            fault(result)
        return result

    monkeypatch.setattr(Model, "prefill", prefill)


def raises(_: Any) -> None:
    raise ValueError("no kernel for this device")


def off(result: Any) -> None:
    result.logits[:, 15] += 30


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize(
    ("fault", "times", "reason"),
    [(raises, FASTER, "error"), (off, FASTER, "unequal"), (lambda _: None, SLOWER, "slower")],
)
def test_a_refused_path_is_disabled(
    runner: Runner,
    metrics: Metrics,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: Callable[[Any], None],
    times: tuple[float, ...],
    reason: str,
) -> None:
    spoil(monkeypatch, fault)
    with caplog.at_level(logging.INFO):
        runner.warm_up.compile()
        runner.warm_up.prove(clock(times))
    assert runner.refused == {"flex": reason}
    assert runner.model.fast_paths == () and runner.model.lengths == ()
    labels = {"path": "flex", "reason": reason}
    assert metrics.registry.get_sample_value("sidecar_fallback", labels) == 1
    records = [record for record in caplog.records if getattr(record, "path", "") == "flex"]
    assert [record.getMessage() for record in records] == [f"the fast path flex is not used: {reason}"]


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_a_path_that_passes_its_check_is_used(runner: Runner, metrics: Metrics) -> None:
    runner.warm_up.compile()
    runner.warm_up.prove(clock(FASTER))
    assert runner.refused == {} and runner.model.fast_paths == ("flex",) and runner.model.lengths == (1152,)
    assert b"sidecar_fallback{" not in metrics.render(True, {})


def test_rounding_is_accepted_and_another_token_is_not(runner: Runner) -> None:
    runner.model.disable("flex")
    prompts = proof.Prompts(runner.model, runner.tokens, 1152, tolerance=1e-3, count=3)
    made = prompts.decode()
    assert [len(tokens) for tokens in made] == [proof.LENGTH] * 3
    other = [*made[:2], (*made[2][:4], (made[2][4] + 1) % 600, *made[2][5:])]
    assert prompts.same(made, made) and not prompts.same(other, made)
    # With a very large tolerance, every token counts as the most likely one.
    prompts._tolerance = 1e3
    assert prompts.same(other, made)

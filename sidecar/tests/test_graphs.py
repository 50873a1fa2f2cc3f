"""Replayed steps give the same tokens as ordinary steps. On a CPU, a fake replays a step by calling it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sidecar import checkpoint
from sidecar.checkpoint import Generation
from sidecar.config import EngineConfig
from sidecar.generate import generate
from sidecar.graphs import capture
from sidecar.model import Model
from sidecar.observer import Observer
from sidecar.protocol import Limits
from sidecar.runner import Runner
from sidecar.service.metrics import Metrics
from sidecar.sizes import Needs, choose
from sidecar.tests.test_generate import LIMITS, TEXTS, rows
from sidecar.tokens import Tokens
from sidecar.tools.bench import CountingObserver


class Recorder:
    """Records like a CUDA graph: recording a call gives a result without values, and each replay writes the values."""

    def __init__(self) -> None:
        self.recorded = self.replayed = 0

    def __call__(self, run: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        self.recorded += 1
        result = torch.full_like(run(), torch.nan)

        def replay() -> None:
            self.replayed += 1
            result.copy_(run())

        return replay, result


@pytest.fixture
def model(tiny: Path) -> Model:
    made = Model(checkpoint.load(tiny, "cpu", torch.float32), flex=False, compiled=None, graphs=True)
    made.capture = Recorder()
    return made


@pytest.mark.parametrize("penalty", [1.0, 2.0])
def test_tokens_are_equal(tiny: Path, model: Model, penalty: float) -> None:
    tokens, counted = Tokens(tiny), CountingObserver()
    free = Generation(penalty, frozenset())
    with model.without("graphs"):
        first = generate(model, rows(model, tokens, TEXTS, LIMITS), free, Observer())
        # One of the decoded tokens becomes an end token, so that rows end at different steps.
        ends = Generation(penalty, frozenset([first[2].tokens[7]]))
        expected = [generate(model, rows(model, tokens, TEXTS, LIMITS), one, Observer()) for one in (free, ends)]
    assert model.capture.recorded == 0
    assert generate(model, rows(model, tokens, TEXTS, LIMITS), free, counted) == expected[0]
    # The first step of each cache is not replayed. There are three caches, because rows are removed twice.
    recorded = model.capture.recorded
    assert recorded == 3 and model.capture.replayed == counted.steps - recorded
    assert generate(model, rows(model, tokens, TEXTS, LIMITS), ends, Observer()) == expected[1]


def test_an_out_of_memory_error_during_recording_is_raised_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    class Graph:
        replay = None

    class Recording:
        def __init__(self, *_: object, **__: object) -> None: ...

        def __enter__(self) -> None: ...

        def __exit__(self, *_: object) -> None:
            raise RuntimeError("CUDA error: operation failed due to a previous error during capture")

    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", Recording)

    def full() -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        capture(full)
    with pytest.raises(RuntimeError, match="previous error"):
        capture(lambda: torch.zeros(1))


def broken(_: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
    raise RuntimeError("operation not permitted when stream is capturing")


def off(run: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
    result = run()
    return lambda: None, result  # a replay that computes nothing


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize(
    ("record", "times", "reason"),
    [(broken, (0, 2, 2, 3), "error"), (off, (0, 2, 2, 3), "unequal"), (Recorder(), (0, 1, 1, 3), "slower")],
    ids=["error", "unequal", "slower"],
)
def test_only_the_path_that_fails_its_check_is_disabled(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, record: object, times: tuple[float, ...], reason: str
) -> None:
    monkeypatch.setattr("sidecar.proof.PROMPTS", 2)
    metrics = Metrics()
    config = EngineConfig({}, "cpu", "fp32", pack_tokens=1152, observer=metrics, limits=Limits(tokens=1024))
    network, tokens = checkpoint.load(tiny, "cpu", torch.float32), Tokens(tiny)
    model = Model(network, flex=True, compiled=None, lengths=(1152,), graphs=True)
    model.capture = record
    sizes = choose(Needs(1, 1), None, 1024, 1152)
    runner = Runner("id", model, tokens, Generation(1.05, frozenset([tokens.end])), config, sizes)
    runner.warm_up.compile()
    runner.warm_up.prove(iter([0.0, 2.0, 2.0, 3.0, *map(float, times)]).__next__)
    assert model.fast_paths == ("flex",) and runner.refused == {"graphs": reason}
    assert metrics.registry.get_sample_value("sidecar_fallback", {"path": "graphs", "reason": reason}) == 1


def test_a_graph_that_passes_its_check_is_used(tiny: Path, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecar.proof.PROMPTS", 2)
    config, tokens = EngineConfig({}, "cpu", "fp32"), Tokens(tiny)
    sizes = choose(Needs(1, 1), None, 1024)
    runner = Runner("id", model, tokens, Generation(1.05, frozenset([tokens.end])), config, sizes)
    runner.warm_up.prove(iter([0.0, 2.0, 2.0, 3.0]).__next__)
    assert model.fast_paths == ("graphs",) and runner.refused == {}

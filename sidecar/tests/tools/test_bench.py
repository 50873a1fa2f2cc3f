"""The benchmark runs and counts the computed tokens. Sharing prefixes saves as many tokens as README.md states."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from sidecar.config import EngineConfig
from sidecar.packing import expand, tree
from sidecar.protocol import Item
from sidecar.tests.conftest import SHARED, picture
from sidecar.tokens import Tokens
from sidecar.tools import arithmetic, bench, prompts, samples, synthetic


def test_tokens_saved_on_the_pool() -> None:
    """The engine computes at most 1/6.8 of the tokens, decoding included. On a CPU no pack is padded."""
    if not SHARED.is_dir():
        pytest.skip("../shared is absent")
    tokens, steps = Tokens(SHARED / "sidecar" / "checkpoint"), 7
    separate = ours = 0
    records = [r for r in samples.read(SHARED / "data" / "pool" / "dataset.json") if samples.usual(r)][::40]
    for record in records:
        asked = Item((b"",), prompts.prefix(prompts.transcript(record["conversations"])), prompts.queries())
        *rated, styled = (expand(prompt, 730) for prompt in tokens.prompts(asked.prompts(asked.queries)))
        shared = tree(rated)
        separate += shared.separate + len(rated) + len(styled) + steps
        ours += shared.length + len(styled) + steps
    assert len(records) > 100 and separate / ours >= 6.8


def test_the_benchmark_runs(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(picture(1))
    turns = [{"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "That."}]
    (tmp_path / "data.json").write_text(json.dumps([{"image": "a.png", "conversations": turns}] * 2))
    monkeypatch.setitem(bench.SHAPES, "small", (synthetic.TINY, synthetic.TINY_VISION))
    figures = bench.bench(
        argparse.Namespace(
            shape="small",
            samples=tmp_path / "data.json",
            images=tmp_path,
            tokenizer=tiny,
            device="cpu",
            dtype="fp32",
            limit=2,
            reference_samples=1,
            batch=2,
            pack_tokens=None,
            style_tokens=4,
            threads=1,
        )
    )
    ours = figures["all samples"]
    assert ours["samples"] == 2 and figures["reference samples"] == 1 and ours["pack fill"] == 1.0
    item = samples.items(tmp_path / "data.json", tmp_path, prompts.queries(), 1)[0]
    lengths = [len(p) + 729 for p in Tokens(tiny).prompts(item.prompts(item.queries))]
    # A rating takes a prefill and at most one step. If the end of sequence comes first, it takes no step.
    assert sum(lengths) <= figures["reference tokens a sample"] <= sum(lengths) + 14 + 3
    assert 6 < figures["times fewer tokens"] < 8
    assert set(ours["seconds by stage"]) == {"decode", "idle", "vision", "prefill", "styler"}


def test_the_small_shapes_tower_is_at_most_a_tenth(tiny: Path) -> None:
    network = bench.build("small", Tokens(tiny), EngineConfig({}, device="cpu", dtype="fp32"), 0)
    assert arithmetic.tower_share(network, 880) < 0.1


def test_the_work_of_a_prefix_caching_engine(tiny: Path) -> None:
    """It computes a model's first prompt as a whole, and of the other prompts only the tokens after the shared
    blocks."""
    tokens = Tokens(tiny)
    asked = Item((b"",), prompts.prefix("Question: <image>\nWhat? Answer: That."), prompts.queries(style_tokens=8))
    *rated, styled = (expand(prompt, 730) for prompt in tokens.prompts(asked.prompts(asked.queries)))
    shared = len(tree(rated).prefix)
    assert shared % 16
    work = arithmetic.prefix_caching([asked, asked], tokens, 730, 8)
    others = sum(len(prompt) - shared + shared % 16 for prompt in rated[1:])
    assert work.prompt == 2 * (len(rated[0]) + others + len(styled))
    assert (work.patches, work.decoded, work.answers) == (2 * 2 * 729, 2 * 7, 2 * 15)
    alone = arithmetic.reference([asked], tokens, 730, 8)
    assert alone.prompt == sum(map(len, rated)) + len(styled) and alone.patches == 15 * 729


def test_operations_are_counted_from_the_matrices(tiny: Path) -> None:
    network = bench.build("tiny", Tokens(tiny), EngineConfig({}, device="cpu", dtype="fp32"), 0)
    layers, head = network.model.language_model.layers, network.lm_head
    one = arithmetic.operations(network, arithmetic.Work(0, 0, decoded=1, answers=0))
    assert one == 2 * (arithmetic.weights(layers) + arithmetic.weights(head))
    # If an answer is read after a prompt, its last token costs as much as a generated token.
    assert arithmetic.operations(network, arithmetic.Work(0, 1, 0, 1)) == one
    assert arithmetic.operations(network, arithmetic.Work(0, 5, 0, 1)) < 5 * one


@pytest.mark.parametrize(
    ("card", "tera"),
    [("NVIDIA H100 80GB HBM3", 989), ("NVIDIA H100 PCIe", 756), ("NVIDIA L4", 121), ("NVIDIA L40S", 362), ("x", None)],
)
def test_peaks(card: str, tera: float | None) -> None:
    assert arithmetic.peak(card) == (tera and tera * 1e12)

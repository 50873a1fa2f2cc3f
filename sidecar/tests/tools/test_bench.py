"""The benchmark: it runs, counts what is computed, and the tokens that sharing saves are as promised."""

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
from sidecar.tools import bench, prompts, samples, synthetic


def test_tokens_saved_on_the_pool() -> None:
    """At least 6.8 times fewer, decoding steps of both ways counted; no pack is padded on a CPU."""
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
            pack_tokens=16384,
            style_tokens=4,
            threads=1,
        )
    )
    assert figures["samples"] == 2 and figures["reference samples"] == 1 and figures["pack fill"] == 1.0
    item = samples.items(tmp_path / "data.json", tmp_path, prompts.queries(), 1)[0]
    lengths = [len(p) + 729 for p in Tokens(tiny).prompts(item.prompts(item.queries))]
    # A rating is a prefill and one step at most; an immediate end of sequence spares the step.
    assert sum(lengths) <= figures["reference tokens a sample"] <= sum(lengths) + 14 + 3
    assert 6 < figures["times fewer tokens"] < 8
    assert set(figures["seconds by stage"]) == {"decode", "idle", "vision", "prefill", "styler"}


def test_the_small_shapes_tower_is_at_most_a_tenth(tiny: Path) -> None:
    network = bench.build("small", Tokens(tiny), EngineConfig({}, device="cpu", dtype="fp32"), 0)
    assert bench.tower_share(network, 880) < 0.1

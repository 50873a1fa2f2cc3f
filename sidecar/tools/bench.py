"""`python -m sidecar.tools.bench`: the reference's way against ours, in one run, on samples of real length.

The reference's way: for every sample fifteen separate batch-1 `generate` calls with a cache, each encoding the image
anew. Ours: the engine. Same random weights, device, type and kernels; both are warmed up. `--shape 7b` is the released
size and needs a GPU; `--shape small` is for a CPU, its tower less than a tenth of the arithmetic.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn
from transformers import LlavaOnevisionForConditionalGeneration

from sidecar import checkpoint
from sidecar.config import EngineConfig
from sidecar.engine import Engine
from sidecar.images import Decoder, decode
from sidecar.observer import Observer
from sidecar.packing import expand
from sidecar.protocol import Fault, Item, ItemAnswers, Limits
from sidecar.runner import DTYPES, Runner, device_of
from sidecar.tokens import Tokens
from sidecar.tools import prompts, samples, synthetic
from sidecar.tools.reference import Reference

SMALL = {
    "hidden_size": 512,
    "intermediate_size": 1536,
    "num_hidden_layers": 8,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
}
SMALL_VISION = {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 2}
SHAPES = {"small": (SMALL, SMALL_VISION), "7b": (synthetic.SEVEN, {})}
VOCABULARY_7B = 152064
RATING_TOKENS = 2
"""What the reference generates for a rating: the digit and the end of sequence."""
PIXELS = Limits().pixels


@dataclass
class CountingObserver(Observer):
    """An observer that adds up."""

    computed: Counter[str] = field(default_factory=Counter)
    spent: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    fills: list[float] = field(default_factory=list)
    shared_tokens: int = 0
    answered: int = 0

    def samples(self, count: int) -> None:
        self.answered += count

    def shared(self, count: int) -> None:
        self.shared_tokens += count

    def tokens(self, stage: str, count: int) -> None:
        self.computed[stage] += count

    def seconds(self, stage: str, seconds: float) -> None:
        self.spent[stage] += seconds

    def packed(self, fill: float) -> None:
        self.fills.append(fill)

    def clear(self) -> None:
        self.computed.clear()
        self.spent.clear()
        self.fills.clear()


@dataclass(frozen=True)
class Measurement:
    """One way over some samples: wall seconds, the process's CPU seconds, and tokens of the language model, padding
    counted."""

    samples: int
    cpu: float
    seconds: float
    tokens: int

    @property
    def rate(self) -> float:
        return self.samples / self.seconds

    @property
    def tokens_per_sample(self) -> float:
        return self.tokens / self.samples


def build(shape: str, tokens: Tokens, config: EngineConfig, seed: int) -> LlavaOnevisionForConditionalGeneration:
    """A network of random weights, made on the device."""
    text, vision = SHAPES[shape]
    vocabulary = VOCABULARY_7B if shape == "7b" else -(-tokens.size // 64) * 64
    released = synthetic.config(text, vision, vocabulary)
    network = checkpoint.skeleton(checkpoint.to_config(released))
    device = device_of(config)
    checkpoint.place(network, synthetic.tensors(released, seed, device, DTYPES[config.dtype]))
    checkpoint.fill_buffers(network, device)
    return network


def tower_share(network: LlavaOnevisionForConditionalGeneration, positions: int) -> float:
    """The tower's share of the multiplications of one prompt of the reference's way."""
    rows = network.model.vision_tower.embeddings.num_positions
    tower = rows * _weights(network.model.vision_tower.encoder)
    projector = rows * _weights(network.model.multi_modal_projector)
    return tower / (tower + projector + positions * _weights(network.model.language_model.layers))


def work(network: LlavaOnevisionForConditionalGeneration, vision: int, language: int) -> float:
    """Floating-point operations of that many positions through tower and decoder, attention's scores left out."""
    tower = _weights(network.model.vision_tower.encoder) + _weights(network.model.multi_modal_projector)
    return 2.0 * (vision * tower + language * _weights(network.model.language_model.layers))


def run_reference(
    references: dict[str, Reference], items: Sequence[Item], tokens: Tokens, style_tokens: int
) -> Measurement:
    """Fifteen `generate` calls a sample."""
    computed = 0
    begun, cpu = time.perf_counter(), time.process_time()
    for item in items:
        images = [pixels for data in item.images if not isinstance(pixels := decode(data, PIXELS), Fault)]
        for query in item.queries:
            reference = references[query.model]
            [prompt] = tokens.prompts(item.prompts([query]))
            limit = RATING_TOKENS if query.choices else style_tokens
            made = reference.generate(prompt, images, limit)
            features = reference.network.model.vision_tower.embeddings.num_positions + 1
            computed += len(expand(prompt, features)) + max(len(made) - 1, 0)
    return Measurement(len(items), time.process_time() - cpu, time.perf_counter() - begun, computed)


def count_reference(items: Sequence[Item], tokens: Tokens, features: int, style_tokens: int) -> float:
    """Tokens a sample that the reference's way computes, no text ending before its limit."""
    computed = 0
    for item in items:
        for query, prompt in zip(item.queries, tokens.prompts(item.prompts(item.queries)), strict=True):
            computed += len(expand(prompt, features)) + (RATING_TOKENS if query.choices else style_tokens) - 1
    return computed / len(items)


def run_ours(engine: Engine, items: Sequence[Item], batch: int, observer: CountingObserver) -> Measurement:
    """The engine, in requests of `batch` samples."""
    before = observer.computed["prefill"] + observer.computed["styler"]
    begun, cpu = time.perf_counter(), time.process_time()
    outcomes = [outcome for k in range(0, len(items), batch) for outcome in engine.run(items[k : k + batch])]
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    faults = [outcome for outcome in outcomes if not isinstance(outcome, ItemAnswers)]
    if faults:
        raise RuntimeError(f"{len(faults)} samples failed, the first with {faults[0]}")
    return Measurement(len(items), cpu, seconds, observer.computed["prefill"] + observer.computed["styler"] - before)


def bench(args: argparse.Namespace) -> dict[str, object]:
    """Measure both ways; the figures are named as in the README."""
    observer = CountingObserver()
    config = EngineConfig(
        {}, device=args.device, dtype=args.dtype, pack_tokens=args.pack_tokens, threads=args.threads, observer=observer
    )
    tokens = Tokens(args.tokenizer)
    queries = prompts.queries(style_tokens=args.style_tokens)
    items = samples.items(args.samples, args.images, queries, args.limit)
    generation = checkpoint.Generation(1.05, frozenset([tokens.end]))
    networks = {name: build(args.shape, tokens, config, seed) for seed, name in enumerate(("scorer", "styler"))}
    runners = {name: Runner.over(network, name, tokens, generation, config) for name, network in networks.items()}
    engine = Engine(runners, Decoder(args.threads, PIXELS, observer), observer)
    references = {name: Reference(network, generation) for name, network in networks.items()}

    some = items[:: -(-len(items) // args.reference_samples)]
    run_ours(engine, some[:4], args.batch, observer)
    run_reference(references, some[:1], tokens, args.style_tokens)
    reference = run_reference(references, some, tokens, args.style_tokens)
    same = run_ours(engine, some, args.batch, observer)
    observer.clear()
    ours = run_ours(engine, items, args.batch, observer)
    counted = count_reference(items, tokens, runners["scorer"].model.features_per_image, args.style_tokens)
    done = work(networks["scorer"], observer.computed["vision"], observer.computed["prefill"])
    positions = int(reference.tokens_per_sample / len(queries))
    return {
        "machine": _machine(config),
        "torch": torch.__version__,
        "shape": args.shape,
        "dtype": args.dtype,
        "samples": ours.samples,
        "reference samples": reference.samples,
        "tower's share of the arithmetic": round(tower_share(networks["scorer"], positions), 4),
        "reference tokens a sample": round(reference.tokens_per_sample, 1),
        "our tokens a sample": round(same.tokens_per_sample, 1),
        "times fewer tokens": round(reference.tokens_per_sample / same.tokens_per_sample, 3),
        "times fewer tokens, all samples": round(counted / ours.tokens_per_sample, 3),
        "reference samples a second": round(reference.rate, 4),
        "our samples a second, the same samples": round(same.rate, 4),
        "times the samples a second": round(same.rate / reference.rate, 2),
        "times less CPU time": round(reference.cpu / same.cpu, 2),
        "our samples a second, all samples": round(ours.rate, 4),
        "seconds by stage": {stage: round(spent, 2) for stage, spent in observer.spent.items()},
        "pack fill": round(sum(observer.fills) / len(observer.fills), 3),
        "TFLOP/s of matrix products": round(done / ours.seconds / 1e12, 3),
        "peak memory in GiB": round(_memory(config), 2),
    }


def _weights(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters() if parameter.dim() > 1)


def _machine(config: EngineConfig) -> str:
    if device_of(config).type == "cuda":
        return torch.cuda.get_device_name()
    return f"{platform.machine()} CPU, {torch.get_num_threads()} threads"


def _memory(config: EngineConfig) -> float:
    if device_of(config).type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description="measure the reference's way against ours")
    parser.add_argument("--shape", choices=sorted(SHAPES), default="small")
    parser.add_argument(
        "--samples", type=Path, required=True, help="LLaVA-form JSON, such as ../shared/data/pool/dataset.json"
    )
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder with a tokenizer.json")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--dtype", choices=sorted(DTYPES), default="fp16")
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--reference-samples", type=int, default=20)
    parser.add_argument("--batch", type=int, default=200)
    parser.add_argument("--pack-tokens", type=int, default=16384)
    parser.add_argument(
        "--style-tokens", type=int, default=8, help="tokens of a styler's answer; random weights never end one"
    )
    parser.add_argument("--threads", type=int, default=8)
    print(json.dumps(bench(parser.parse_args()), indent=1))


if __name__ == "__main__":
    main()

"""`python -m sidecar.tools.bench` compares the reference code's way with the engine, on samples of real length.

The reference code makes fifteen separate `generate` calls of batch 1 for every sample. Each call has its own cache and
encodes the image again. The engine gets requests of the size that the service reports to its clients. Both use the same
random weights, device, type and kernels, and both are warmed up. `--shape 7b` has the released sizes and needs a GPU.
`--shape small` is for a CPU: its vision tower needs less than a tenth of the arithmetic. The work of a prefix-caching
engine is calculated, not measured.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
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
from sidecar.tools import arithmetic, prompts, samples, synthetic
from sidecar.tools.arithmetic import RATING_TOKENS
from sidecar.tools.reference import Reference

SMALL = {
    "hidden_size": 512,
    "intermediate_size": 1536,
    "num_hidden_layers": 8,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
}
SMALL_VISION = {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 2}
SHAPES = {
    "tiny": (synthetic.TINY, synthetic.TINY_VISION),
    "small": (SMALL, SMALL_VISION),
    "7b": (synthetic.SEVEN, {}),
}
VOCABULARY_7B = 152064
PIXELS = Limits().pixels


@dataclass
class CountingObserver(Observer):
    """An observer that counts all events."""

    computed: Counter[str] = field(default_factory=Counter)
    spent: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    fills: list[float] = field(default_factory=list)
    shared_tokens: int = 0
    answered: int = 0
    padded: int = 0
    decoded_rows: int = 0
    steps: int = 0
    fallbacks: list[str] = field(default_factory=list)

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

    def padding(self, count: int) -> None:
        self.padded += count

    def rows(self, count: int) -> None:
        self.decoded_rows += count

    def step(self) -> None:
        self.steps += 1

    def fallback(self, path: str, reason: str) -> None:
        self.fallbacks.append(f"{path}: {reason}")

    def clear(self) -> None:
        self.computed.clear()
        self.spent.clear()
        self.fills.clear()
        self.padded = self.decoded_rows = self.steps = 0


@dataclass(frozen=True)
class Measurement:
    """The measurement of one way of answering, on some samples."""

    samples: int
    cpu: float
    """CPU seconds of the process."""
    seconds: float
    """Wall seconds."""
    tokens: int
    """Tokens that the language model computed, padding included."""

    @property
    def rate(self) -> float:
        return self.samples / self.seconds

    @property
    def tokens_per_sample(self) -> float:
        return self.tokens / self.samples


def build(shape: str, tokens: Tokens, config: EngineConfig, seed: int) -> LlavaOnevisionForConditionalGeneration:
    """Makes a network with random weights on the device."""
    text, vision = SHAPES[shape]
    vocabulary = VOCABULARY_7B if shape == "7b" else -(-tokens.size // 64) * 64
    released = synthetic.config(text, vision, vocabulary)
    network = checkpoint.skeleton(checkpoint.to_config(released))
    device = device_of(config)
    checkpoint.place(network, synthetic.tensors(released, seed, device, DTYPES[config.dtype]))
    checkpoint.fill_buffers(network, device)
    return network


def run_reference(
    references: dict[str, Reference], items: Sequence[Item], tokens: Tokens, style_tokens: int
) -> Measurement:
    """Measures the reference code's way: fifteen `generate` calls for each sample."""
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


def run_ours(engine: Engine, items: Sequence[Item], batch: int, observer: CountingObserver) -> Measurement:
    """Measures the engine, in requests of `batch` samples, as in the service."""
    before = observer.computed["prefill"] + observer.computed["styler"]
    begun, cpu = time.perf_counter(), time.process_time()
    requests = (items[k : k + batch] for k in range(0, len(items), batch))
    outcomes = [outcome for answered in engine.stream(requests) for outcome in answered]
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    faults = [outcome for outcome in outcomes if not isinstance(outcome, ItemAnswers)]
    if faults:
        raise RuntimeError(f"{len(faults)} samples failed; the first failed with {faults[0]}")
    return Measurement(len(items), cpu, seconds, observer.computed["prefill"] + observer.computed["styler"] - before)


@dataclass(frozen=True)
class Stand:
    """Both models with random weights, an engine that uses them, and samples of real length."""

    config: EngineConfig
    observer: CountingObserver
    tokens: Tokens
    generation: checkpoint.Generation
    networks: dict[str, LlavaOnevisionForConditionalGeneration]
    engine: Engine
    items: list[Item]
    style_tokens: int

    def references(self) -> dict[str, Reference]:
        """Returns the reference code's way with the same networks."""
        return {name: Reference(network, self.generation) for name, network in self.networks.items()}

    @property
    def features(self) -> int:
        """Positions of an image in a prompt."""
        return self.engine.runners["scorer"].model.features_per_image

    @property
    def batch(self) -> int:
        """Samples that a client should send in a request, according to the service."""
        return self.engine.advice()["batch"]

    def ours(self, items: Sequence[Item], batch: int) -> tuple[Measurement, dict[str, object]]:
        """Measures the engine in requests of `batch` samples. Returns the measurement and its figures."""
        self.observer.clear()
        measured = run_ours(self.engine, items, batch, self.observer)
        return measured, figures(self, items, measured)


def stand(args: argparse.Namespace) -> Stand:
    """Builds the models, the engine and the samples of a benchmark."""
    observer = CountingObserver()
    config = EngineConfig(
        {}, device=args.device, dtype=args.dtype, pack_tokens=args.pack_tokens, threads=args.threads, observer=observer
    )
    tokens = Tokens(args.tokenizer)
    items = samples.items(args.samples, args.images, prompts.queries(args.style_tokens), args.limit)
    generation = checkpoint.Generation(1.05, frozenset([tokens.end]))
    networks = {name: build(args.shape, tokens, config, seed) for seed, name in enumerate(("scorer", "styler"))}
    runners = {name: Runner.over(network, name, tokens, generation, config) for name, network in networks.items()}
    for runner in runners.values():
        runner.warm_up.run()
    engine = Engine(runners, Decoder(args.threads, PIXELS, observer), observer)
    return Stand(config, observer, tokens, generation, networks, engine, items, args.style_tokens)


def figures(stand: Stand, items: Sequence[Item], measured: Measurement) -> dict[str, object]:
    """Returns the figures of a measurement: rates, useful operations, and seconds by stage."""
    seen = stand.observer
    work = arithmetic.Work(
        patches=seen.computed["vision"] // stand.features * (stand.features - 1),
        prompt=seen.computed["prefill"] - seen.padded,
        decoded=seen.computed["styler"],
        answers=arithmetic.answers(items),
    )
    useful = arithmetic.operations(stand.networks["scorer"], work)
    highest = arithmetic.peak(machine(stand.config)) if stand.config.dtype != "fp32" else None
    return {
        "samples": measured.samples,
        "samples a second": round(measured.rate, 4),
        "seconds by stage": {stage: round(spent, 2) for stage, spent in seen.spent.items()},
        "pack fill": round(sum(seen.fills) / len(seen.fills), 3),
        "rows a decoding step": round(seen.computed["styler"] / seen.steps, 1) if seen.steps else 0.0,
        "useful TFLOP a sample": round(useful / measured.samples / 1e12, 4),
        "useful TFLOP/s over wall": round(useful / measured.seconds / 1e12, 3),
        "share of the card's dense peak": round(useful / measured.seconds / highest, 3) if highest else None,
        "fallbacks": list(seen.fallbacks),
        "peak memory in GiB": round(_memory(stand.config), 2),
    }


def counted(stand: Stand) -> dict[str, object]:
    """Calculates the work of other ways of answering the same samples. It measures nothing."""
    network, many = stand.networks["scorer"], len(stand.items)
    rows = {}
    for name, way in {
        "the reference's way": arithmetic.reference,
        "a prefix-caching engine": arithmetic.prefix_caching,
    }.items():
        work = way(stand.items, stand.tokens, stand.features, stand.style_tokens)
        rows[name] = {
            "tokens a sample": round((work.prompt + work.decoded) / many, 1),
            "TFLOP a sample": round(arithmetic.operations(network, work) / many / 1e12, 4),
        }
    return rows


def bench(args: argparse.Namespace) -> dict[str, object]:
    """Measures the reference code's way and the engine. The figures have the names that README.md uses."""
    made = stand(args)
    items, references, batch = made.items, made.references(), args.batch or made.batch
    some = items[:: -(-len(items) // args.reference_samples)]
    run_ours(made.engine, some[:4], batch, made.observer)
    run_reference(references, some[:1], made.tokens, args.style_tokens)
    reference = run_reference(references, some, made.tokens, args.style_tokens)
    same = run_ours(made.engine, some, batch, made.observer)
    ours, seen = made.ours(items, batch)
    alone = arithmetic.reference(items, made.tokens, made.features, args.style_tokens)
    positions = int(reference.tokens_per_sample / len(items[0].queries))
    return {
        "machine": machine(made.config),
        "torch": torch.__version__,
        "shape": args.shape,
        "dtype": args.dtype,
        "samples a request": batch,
        "reference samples": reference.samples,
        "tower's share of the arithmetic": round(arithmetic.tower_share(made.networks["scorer"], positions), 4),
        "reference tokens a sample": round(reference.tokens_per_sample, 1),
        "our tokens a sample": round(same.tokens_per_sample, 1),
        "times fewer tokens": round(reference.tokens_per_sample / same.tokens_per_sample, 3),
        "times fewer tokens, all samples": round(
            (alone.prompt + alone.decoded) / len(items) / ours.tokens_per_sample, 3
        ),
        "reference samples a second": round(reference.rate, 4),
        "our samples a second, the same samples": round(same.rate, 4),
        "times the samples a second": round(same.rate / reference.rate, 2),
        "times less CPU time": round(reference.cpu / same.cpu, 2),
        "all samples": seen,
        "by arithmetic, not measured": counted(made),
    }


def commit() -> str:
    """Returns the commit of this checkout, with the suffix -dirty if files differ from it; "" if there is no
    checkout."""
    folder = Path(__file__).parent
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude", "*"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip()


def machine(config: EngineConfig) -> str:
    """Returns the name of the GPU; without a GPU, the kind of CPU and the number of threads."""
    if device_of(config).type == "cuda":
        return torch.cuda.get_device_name()
    return f"{platform.machine()} CPU, {torch.get_num_threads()} threads"


def _memory(config: EngineConfig) -> float:
    if device_of(config).type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def add_options(parser: argparse.ArgumentParser, shape: str, limit: int) -> None:
    """Adds the options that select the models and samples to measure."""
    parser.add_argument("--shape", choices=sorted(SHAPES), default=shape)
    parser.add_argument(
        "--samples", type=Path, required=True, help="LLaVA-form JSON, such as ../shared/data/pool/dataset.json"
    )
    parser.add_argument("--images", type=Path, required=True, help="folder that the samples' images are relative to")
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder with a tokenizer.json")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--dtype", choices=sorted(DTYPES), default="fp16")
    parser.add_argument("--limit", type=int, default=limit)
    parser.add_argument("--batch", type=int, help="samples in a request; by default, the service's advice")
    parser.add_argument("--pack-tokens", type=int)
    parser.add_argument(
        "--style-tokens", type=int, default=8, help="tokens of a styler's answer; random models never end it"
    )
    parser.add_argument("--threads", type=int, default=8)


def main() -> None:
    parser = argparse.ArgumentParser(description="compare the speed of the reference code's way and of the engine")
    add_options(parser, shape="small", limit=200)
    parser.add_argument("--reference-samples", type=int, default=20)
    print(json.dumps(bench(parser.parse_args()), indent=1))


if __name__ == "__main__":
    main()

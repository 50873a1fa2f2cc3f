"""`python -m sidecar.tools.firstcontact LINES` measures this repository on a GPU in ten minutes.

It runs these steps in order:

- `card` measures the speed of the GPU itself;
- `selftest` compares packed answers with those of transformers' own classes, on a network of the released shape;
- `truth` compares packed answers with the answers of the reference code, if `--truth` has them;
- `bench` runs the benchmark in growing sizes.

Each step has its own process and its own time limit. If a step fails, hangs or loses the device, the next step still
runs. Each line is written to disk as soon as its figures are known, so no measured figure is lost when the command is
stopped. The lines have the form of `sidecar/results.jsonl`: card, date, commit, command, figures.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch
import transformers

from sidecar.config import EngineConfig
from sidecar.engine import Engine
from sidecar.protocol import Limits
from sidecar.runner import device_of
from sidecar.tools import bench, selftest, truth

SIZES = (8, 32, 64, 128, 256)
REFERENCE_SAMPLES = 3
TRUTH = Path(__file__).resolve().parents[2].parent / "shared" / "sidecar"
Figures = dict[str, object]


@dataclass(frozen=True)
class Step:
    """One step of the measurement."""

    name: str
    seconds: float
    """The most seconds of the step."""
    measure: Callable[[argparse.Namespace], Iterator[Figures]]
    """Yields the figures of each line as soon as they are measured."""


class Lines:
    """A file of results. After `add` returns, the line is on disk."""

    def __init__(self, path: Path, card: str, commit: str, command: str) -> None:
        self._path = path
        self._head = {"card": card, "commit": commit, "command": command}

    def add(self, figures: Figures) -> None:
        line = {**self._head, "date": datetime.now(UTC).date().isoformat(), "figures": figures}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())
        print(json.dumps(figures), flush=True)


def card(args: argparse.Namespace) -> Iterator[Figures]:
    """Describes the machine, and measures its peak speed of matrix products and copies."""
    found: Figures = {"torch": torch.__version__, "transformers": transformers.__version__}
    device = device_of(_config(args))
    if device.type == "cuda":
        found["GiB of the card"] = round(torch.cuda.mem_get_info()[1] / 2**30, 1)
        found["compute capability"] = ".".join(map(str, torch.cuda.get_device_capability()))
    yield found
    dtype = bench.DTYPES[args.dtype]
    for rows, inner, columns in ((16384, 3584, 18944), (16384, 3584, 3584)) if device.type == "cuda" else ((512,) * 3,):
        a = torch.randn(rows, inner, device=device, dtype=dtype)
        b = torch.randn(inner, columns, device=device, dtype=dtype)
        seconds = _best(lambda a=a, b=b: a @ b, device)
        shape = f"{rows} x {inner} x {columns}"
        yield {f"TFLOP/s of a product of {shape}": round(2 * rows * inner * columns / seconds / 1e12, 2)}
    source = torch.empty(2**31 if device.type == "cuda" else 2**24, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    seconds = _best(lambda: target.copy_(source), device)
    yield {"TB/s read and written by a copy": round(2 * source.numel() / seconds / 1e12, 3)}


def check(args: argparse.Namespace) -> Iterator[Figures]:
    """Runs the self-test of both models, on random weights of the released shape."""
    for name, runner in bench.stand(args).engine.runners.items():
        verdict = selftest.check(name, runner, _config(args), args.selftest_samples)
        yield asdict(verdict) | {"passed": verdict.passed}


def compare(args: argparse.Namespace) -> Iterator[Figures]:
    """Compares packed answers with the reference code's answers on its small checkpoint, in every type."""
    if not (args.truth / "expected.json").is_file():
        yield {"skipped": f"{args.truth} has no expected.json"}
        return
    samples = truth.read(args.truth)[: args.limit]
    for dtype in ("fp16", "bf16", "fp32"):
        directories = dict.fromkeys(("scorer", "styler"), args.truth / "checkpoint")
        config = EngineConfig(
            directories, args.device, dtype, pack_tokens=4096, limits=Limits(tokens=2048), threads=args.threads
        )
        engine = Engine.load(config)
        outcomes = engine.run([sample.item for sample in samples])
        yield {"dtype": dtype} | asdict(truth.agreement(samples, outcomes, engine.runners["scorer"].tokens))


def throughput(args: argparse.Namespace) -> Iterator[Figures]:
    """Runs the benchmark in growing sizes. After the second size, it also measures the reference code's way."""
    begun = time.perf_counter()
    stand = bench.stand(args)
    yield {"seconds until both models are ready": round(time.perf_counter() - begun, 1)}
    batch = args.batch or stand.batch
    stand.ours(stand.items[:4], batch)  # so that initialisation at the first use is not part of the first figure
    sizes = [size for size in SIZES if size <= len(stand.items)] or [len(stand.items)]
    for k, size in enumerate(sizes):
        _, figures = stand.ours(stand.items[:size], batch)
        yield {"samples a request": batch} | figures
        if k == min(1, len(sizes) - 1):
            references = stand.references()
            bench.run_reference(references, stand.items[:1], stand.tokens, args.style_tokens)
            some = stand.items[:REFERENCE_SAMPLES]
            measured = bench.run_reference(references, some, stand.tokens, args.style_tokens)
            yield {"way": "the reference's", "samples": len(some), "samples a second": round(measured.rate, 4)}
    yield {"by arithmetic, not measured": bench.counted(stand)}


STEPS = (
    Step("card", 40, card),
    Step("selftest", 130, check),
    Step("truth", 120, compare),
    Step("bench", 300, throughput),
)


def run(steps: Sequence[tuple[str, float, Sequence[str]]], lines: Lines, seconds: float) -> bool:
    """Runs the steps. A step is a name, its time limit in seconds, and a command. Returns False if a step failed or was
    stopped."""
    end = time.monotonic() + seconds
    passed = True
    for name, most, command in steps:
        allowed = min(most, end - time.monotonic())
        begun = time.monotonic()
        try:
            code = subprocess.run(command, timeout=max(allowed, 0), check=False).returncode if allowed > 0 else None
        except subprocess.TimeoutExpired:
            code = None
        took = time.monotonic() - begun
        if code is None:
            lines.add({"step": name, "stopped after seconds": round(took, 1)})
        elif code:
            lines.add({"step": name, "failed with": code, "after seconds": round(took, 1)})
        else:
            lines.add({"step": name, "seconds": round(took, 1)})
        passed = passed and code == 0
    return passed


def main() -> int:
    """Returns 0 if all steps succeeded, 1 if a step failed or was stopped."""
    args = _parser().parse_args()
    commit = args.commit or bench.commit()
    if not commit:
        raise SystemExit("firstcontact: the sidecar's folder is not a git checkout: give the commit with --commit")
    # This process must not use the device: otherwise a step that loses the device would stop the others.
    card_name = args.card or _card(args)
    lines = Lines(args.lines, card_name, commit, "python -m sidecar.tools.firstcontact " + " ".join(sys.argv[1:]))
    if args.step:
        measure = next(step.measure for step in STEPS if step.name == args.step)
        for figures in measure(args):
            lines.add({"step": args.step, "shape": args.shape, **figures})
        return 0
    # After SIGTERM, an exception ends this process, so that subprocess.run kills the process of the step.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    command = [
        sys.executable,
        "-m",
        "sidecar.tools.firstcontact",
        *sys.argv[1:],
        "--commit",
        commit,
        "--card",
        card_name,
    ]
    return 0 if run([(s.name, s.seconds, [*command, "--step", s.name]) for s in STEPS], lines, args.seconds) else 1


def _card(args: argparse.Namespace) -> str:
    if args.device == "cpu":
        return "no GPU: " + bench.machine(_config(args))
    asked = "import torch; print(torch.cuda.get_device_name() if torch.cuda.is_available() else '')"
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=False).stdout.strip()
    return found or "no GPU: " + bench.machine(EngineConfig({}, device="cpu"))


def _config(args: argparse.Namespace) -> EngineConfig:
    return EngineConfig({}, device=args.device, dtype=args.dtype, threads=args.threads)


def _best(work: Callable[[], object], device: torch.device) -> float:
    """Returns the seconds of the fastest of five runs."""
    took = []
    for _ in range(6):
        begun = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        took.append(time.perf_counter() - begun)
    return min(took[1:])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="measure this repository on a GPU in ten minutes")
    parser.add_argument("lines", type=Path, help="file to append the lines to")
    bench.add_options(parser, shape="7b", limit=max(SIZES))
    parser.add_argument("--truth", type=Path, default=TRUTH, help="folder of the reference code's answers")
    parser.add_argument("--selftest-samples", type=int, default=selftest.SAMPLES)
    parser.add_argument("--seconds", type=float, default=540, help="seconds for all steps together")
    parser.add_argument("--commit", default="", help="commit for the lines; required outside of a git checkout")
    parser.add_argument("--card", default="", help="name of the GPU for the lines; by default, the driver's")
    parser.add_argument(
        "--step", choices=[step.name for step in STEPS], default="", help="run one step in this process"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

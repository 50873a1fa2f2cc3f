"""One model at work: an item's queries become a tree, trees become packs, packs become answers."""

from __future__ import annotations

import gc
import hashlib
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import PIL
import torch
import transformers
from torch import Tensor
from transformers import LlavaOnevisionForConditionalGeneration

from sidecar import checkpoint, proof
from sidecar.config import EngineConfig
from sidecar.generate import Continuation, Row, bytes_needed, generate, rows_of
from sidecar.images import SIDE, TREATMENT, Pictures, Pixels
from sidecar.jobs import Job, prepare
from sidecar.memory import device_lost, out_of_memory
from sidecar.model import KERNEL, Model
from sidecar.observer import Observer
from sidecar.packing import Pack, bins, buckets, pack, tree
from sidecar.protocol import Choice, Fault, Item, Text
from sidecar.tokens import Tokens

log = logging.getLogger(__name__)

DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}
Answers = dict[tuple[int, int], Choice | Text]
T = TypeVar("T")


@dataclass(frozen=True)
class _PendingRow:
    item: int
    query: int
    row: Row


def device_of(config: EngineConfig) -> torch.device:
    """The device that a configuration means."""
    cuda = config.device == "cuda" or (config.device == "auto" and torch.cuda.is_available())
    return torch.device("cuda" if cuda else "cpu")


class Runner:
    """Answers queries with one model."""

    def __init__(
        self,
        name: str,
        model: Model,
        tokens: Tokens,
        generation: checkpoint.Generation,
        config: EngineConfig,
    ) -> None:
        self.identity = name
        self.tokens = tokens
        self.refused: dict[str, proof.Reason] = {}
        """Fast paths that did not prove themselves, and why."""
        self._model = model
        self._generation = generation
        self._config = config
        self._observer: Observer = config.observer

    @classmethod
    def load(cls, directory: Path, config: EngineConfig) -> Runner:
        """Load a checkpoint; on a GPU, compile and warm up too. Raises CheckpointError."""
        device, dtype = device_of(config), DTYPES[config.dtype]
        begun = time.perf_counter()
        network = checkpoint.load(directory, device, dtype)
        config.observer.loaded(time.perf_counter() - begun)
        side = network.model.vision_tower.config.image_size
        if side != SIDE:
            raise checkpoint.CheckpointError(f"{directory}: the tower takes {side} pixels, and images are made {SIDE}")
        tokens = Tokens(directory)
        parts = (
            *(checkpoint.digest(directory), TREATMENT, f"pillow {PIL.__version__}", config.dtype, KERNEL),
            *(f"torch {torch.__version__}", f"transformers {transformers.__version__}", device.type),
        )
        identity = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
        return cls.over(network, identity, tokens, checkpoint.read_generation(directory, tokens.end), config)

    @classmethod
    def over(
        cls,
        network: LlavaOnevisionForConditionalGeneration,
        identity: str,
        tokens: Tokens,
        generation: checkpoint.Generation,
        config: EngineConfig,
    ) -> Runner:
        """A runner over a network that is loaded."""
        flex = device_of(config).type == "cuda" and config.fast == "prove"
        lengths = buckets(config.pack_tokens) if flex else ()
        model = Model(network, flex=flex, compiled="inductor" if flex else None, lengths=lengths)
        runner = cls(identity, model, tokens, generation, config)
        runner.start()
        return runner

    def start(self, clock: proof.Clock = time.perf_counter) -> None:
        """Compile what is to be compiled, and have each fast path prove itself or be left."""
        begun = time.perf_counter()
        for path in self._model.fast_paths:
            if reason := self._warmed(path) or self._prove(path, clock):
                self._model.leave(path)
                self.refused[path] = reason
                self._observer.fallback(path, reason)
                log.warning("the fast path %s is not taken: %s", path, reason, extra={"path": path, "reason": reason})
        self._free()
        self._observer.compiled(time.perf_counter() - begun)

    def _warmed(self, path: str) -> proof.Reason | None:
        try:
            self.warm_up()
        except Exception as error:
            if device_lost(error) or out_of_memory(error):
                raise
            log.warning("warming up the fast path %s", path, exc_info=True)
            return "error"
        return None

    def _prove(self, path: str, clock: proof.Clock) -> proof.Reason | None:
        prompts = proof.Prompts(
            self._model, self.tokens, self._config.pack_tokens, proof.TOLERANCE[self._config.dtype], proof.PROMPTS
        )

        def plain() -> proof.Decoded:
            with self._model.without(path):
                return prompts.decode()

        def same(got: proof.Decoded, expected: proof.Decoded) -> bool:
            with self._model.without(path):
                return prompts.same(got, expected)

        return proof.refusal(prompts.decode, plain, same, clock)

    @property
    def model(self) -> Model:
        return self._model

    @property
    def generation(self) -> checkpoint.Generation:
        return self._generation

    def warm_up(self) -> None:
        """Run a pass of every length that passes may have, so that none is compiled later.

        Where the device has no memory for a length, passes stay below it, if the longest prompt fits them.
        """
        prompt = np.zeros(max(self._model.lengths, default=0), dtype=np.int64)
        for length in self._model.lengths:
            packed = pack([tree([prompt[:length]])], [0], self._model.features_per_image, self._model.lengths)
            try:
                self._model.prefill(packed, self._model.features([]))
                self._sync()
            except RuntimeError as error:
                if not out_of_memory(error) or not self._shorten(length):
                    raise
                break
        self._free()

    def _shorten(self, length: int) -> bool:
        """Have passes stay below a length; False where the longest prompt would fit none."""
        shorter = tuple(other for other in self._model.lengths if other < length)
        if not shorter or shorter[-1] < self._config.limits.tokens:
            return False
        log.warning("out of memory in a pass of %d positions; passes have %d at most", length, shorter[-1])
        self._model.lengths = shorter
        self._config = replace(self._config, pack_tokens=shorter[-1])
        return True

    def prepare(self, items: Sequence[Item], name: str, failed: dict[int, Fault]) -> list[Job]:
        """The jobs of the items that ask this model; an item that cannot be asked goes to `failed`."""
        features, longest = self._model.features_per_image, self._config.limits.tokens
        return prepare(items, name, self.tokens, features, longest, failed)

    def run(
        self,
        jobs: Sequence[Job],
        pictures: Pictures,
        failed: dict[int, Fault],
        stopping: Callable[[], bool] = lambda: False,
    ) -> Answers:
        """Answer the jobs; an item whose images are at fault goes to `failed`. No pass begins once it is stopping."""
        pieces = [piece for job in jobs for piece in job.cut(self._config.pack_tokens)]
        answers: Answers = {}
        waiting: list[_PendingRow] = []
        for group in bins([piece.tree.length for piece in pieces], self._config.pack_tokens):
            if stopping():
                break
            ready: list[tuple[Job, list[Pixels]]] = []
            for piece in (pieces[k] for k in group):
                pixels = pictures.of(piece.item)
                if isinstance(pixels, Fault):
                    failed[piece.item] = pixels
                else:
                    ready.append((piece, pixels))
            if not ready:
                continue
            coming = self._pass(ready, answers)
            if waiting and bytes_needed([w.row for w in waiting + coming], self._model) > self._config.kv_bytes:
                self._decode(waiting, answers)
                waiting = []
            waiting += coming
        self._decode(waiting, answers)
        return answers

    def _pass(self, ready: list[tuple[Job, list[Pixels]]], answers: Answers) -> list[_PendingRow]:
        """One pass over some jobs; choices are answered, text begins to wait. Out of memory, the pass is halved."""
        return self._halving(ready, lambda some: self._prefill(some, answers))

    def _prefill(self, ready: list[tuple[Job, list[Pixels]]], answers: Answers) -> list[_PendingRow]:
        jobs = [job for job, _ in ready]
        features = self._timed(
            "vision", lambda: self._model.features([image for _, pixels in ready for image in pixels])
        )
        packed = pack(
            [job.tree for job in jobs],
            [job.images for job in jobs],
            self._model.features_per_image,
            self._model.lengths,
        )
        text = any(query.choices is None for job in jobs for _, query in job.queries)
        prefilled = self._timed("prefill", lambda: self._model.prefill(packed, features, keep=text))
        self._observe(jobs, packed, len(features))
        self._choose(jobs, prefilled.logits, answers)
        asked = [(job.item, q) for job in jobs for q, query in job.queries if query.max_tokens is not None]
        rows = rows_of(packed, prefilled, [[query.max_tokens for _, query in job.queries] for job in jobs])
        return [_PendingRow(item, q, row) for (item, q), row in zip(asked, rows, strict=True)]

    def _choose(self, jobs: Sequence[Job], logits: Tensor, answers: Answers) -> None:
        asked = [(job.item, q, ids) for job in jobs for (q, _), ids in zip(job.queries, job.choices, strict=True)]
        chosen = [(row, item, q, ids) for row, (item, q, ids) in enumerate(asked) if ids]
        if not chosen:
            return
        rows = torch.tensor([row for row, *_ in chosen], device=logits.device)
        mine = logits[rows]
        flat = torch.tensor(
            [(place, token) for place, (*_, ids) in enumerate(chosen) for token in ids], device=logits.device
        )
        logprobs = (mine[flat[:, 0], flat[:, 1]] - mine.logsumexp(dim=-1)[flat[:, 0]]).tolist()
        best = mine.argmax(dim=-1).tolist()
        begin = 0
        for (_, item, q, ids), token in zip(chosen, best, strict=True):
            mass = _mass(ids, values := logprobs[begin : begin + len(ids)])
            answers[item, q] = Choice(tuple(values), mass, self.tokens.name(token), token)
            begin += len(ids)

    def _decode(self, waiting: list[_PendingRow], answers: Answers) -> None:
        if not waiting:
            return
        # A single pack may hold more rows than the bound on the cache allows.
        if len(waiting) > 1 and bytes_needed([w.row for w in waiting], self._model) > self._config.kv_bytes:
            middle = len(waiting) // 2
            self._decode(waiting[:middle], answers)
            self._decode(waiting[middle:], answers)
            return
        generated: list[Continuation] = self._halving(
            waiting, lambda some: generate(self._model, [w.row for w in some], self._generation, self._observer)
        )
        for w, made in zip(waiting, generated, strict=True):
            answers[w.item, w.query] = Text(self.tokens.text(list(made.tokens)), made.truncated)

    def _halving(self, parts: list[T], run: Callable[[list[T]], list]) -> list:
        """Run parts together; where the device's memory runs out, in halves. One part alone raises."""
        try:
            return run(parts)
        except RuntimeError as error:  # torch.OutOfMemoryError is one
            if len(parts) == 1 or not out_of_memory(error):
                raise
            log.warning("out of memory with %d parts; trying halves", len(parts))
        # Outside the handler: the exception's frames would keep the tensors that have to go.
        self._observer.split()
        self._free()
        middle = len(parts) // 2
        return self._halving(parts[:middle], run) + self._halving(parts[middle:], run)

    def _free(self) -> None:
        gc.collect()
        if self._model.device.type == "cuda":
            torch.cuda.empty_cache()

    def _observe(self, jobs: Sequence[Job], packed: Pack, features: int) -> None:
        self._observer.tokens("vision", features)
        self._observer.tokens("prefill", packed.length)
        self._observer.padding(packed.length - packed.used)
        self._observer.shared(sum(job.tree.separate - job.tree.length for job in jobs))
        self._observer.packed(packed.used / packed.length)

    def _timed(self, stage: str, run: Callable[[], T]) -> T:
        begun = time.perf_counter()
        value = run()
        self._sync()
        self._observer.seconds(stage, time.perf_counter() - begun)
        return value

    def _sync(self) -> None:
        if self._model.device.type == "cuda":
            torch.cuda.synchronize()


def _mass(ids: Sequence[int], logprobs: Sequence[float]) -> float:
    """Total probability of the choices; one that is given twice counts once."""
    each = dict(zip(ids, logprobs, strict=True))
    return math.fsum(map(math.exp, each.values()))

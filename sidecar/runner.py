"""Answers the queries to one model: it computes passes over packs, and decodes rows of text in batches."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor
from transformers import LlavaOnevisionForConditionalGeneration

from sidecar import checkpoint, proof
from sidecar.batch import Batch, JobImages, PassPlan
from sidecar.config import EngineConfig
from sidecar.generate import Continuation, Row, bytes_needed, generate, rows_of
from sidecar.images import Pixels
from sidecar.jobs import Job, prepare
from sidecar.memory import out_of_memory
from sidecar.model import Model
from sidecar.observer import Observer
from sidecar.packing import Pack, bins, buckets, pack
from sidecar.protocol import Choice, Fault, Item, Text
from sidecar.sizes import Needs, Sizes, choose
from sidecar.stages import Stages, marks
from sidecar.tokens import Tokens
from sidecar.warmup import WarmUp, free

log = logging.getLogger(__name__)

DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}
T = TypeVar("T")
Read = Callable[[], None]
"""Waits for the device, and reads the answers that it has computed."""


@dataclass(frozen=True)
class _PendingRow:
    batch: Batch
    item: int
    query: int
    row: Row


def device_of(config: EngineConfig) -> torch.device:
    """Returns the device of a configuration; `auto` is the GPU if there is one, else the CPU."""
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
        sizes: Sizes,
    ) -> None:
        self.identity = name
        self.model = model
        self.tokens = tokens
        self.generation = generation
        self.warm_up = WarmUp(model, tokens, config, sizes)
        self._config = config
        self._observer: Observer = config.observer
        self._stages = Stages(marks(model.device), config.observer)
        self._waiting: list[_PendingRow] = []

    @classmethod
    def over(
        cls,
        network: LlavaOnevisionForConditionalGeneration,
        identity: str,
        tokens: Tokens,
        generation: checkpoint.Generation,
        config: EngineConfig,
        free: int | None = None,
    ) -> Runner:
        """Makes a runner for a loaded network. The caller must then run `warm_up`.

        `free` is the number of bytes of the device for passes and rows. None: the bytes that are free now.
        """
        fast = device_of(config).type == "cuda" and config.fast == "prove"
        model = Model(network, flex=fast, compiled="inductor" if fast else None, graphs=fast)
        needs = Needs(model.pass_bytes, model.cache_bytes)
        free = free_bytes(model.device) if free is None else free
        sizes = choose(needs, free, config.limits.tokens, config.pack_tokens, config.kv_bytes)
        if fast:
            model.set_lengths(buckets(sizes.pack_tokens))
        return cls(identity, model, tokens, generation, config, sizes)

    @property
    def sizes(self) -> Sizes:
        """The sizes of a pack and of a batch of rows."""
        return self.warm_up.sizes

    @property
    def refused(self) -> dict[str, proof.Reason]:
        """The fast paths that failed their check, with the reason."""
        return self.warm_up.refused

    def prepare(self, items: Sequence[Item], name: str, failed: dict[int, Fault]) -> list[Job]:
        """Returns the jobs of the items that have queries to this model. An invalid item is added to `failed`."""
        features, longest = self.model.features_per_image, self._config.limits.tokens
        return prepare(items, name, self.tokens, features, longest, failed)

    def plan(self, jobs: Sequence[Job], pixels: Mapping[int, list[Pixels]]) -> list[PassPlan]:
        """Plans the passes that answer the jobs. This does not use the device, so another request may use it
        meanwhile."""
        pieces = [piece for job in jobs for piece in job.cut(self.sizes.pack_tokens)]
        passes = []
        for group in bins([piece.tree.length for piece in pieces], self.sizes.pack_tokens):
            planned = tuple((pieces[k], pixels[pieces[k].item]) for k in group)
            passes.append(PassPlan(planned, self._packed(planned)))
        return passes

    def compute(self, batch: Batch, passes: list[PassPlan], stopping: Callable[[], bool]) -> None:
        """Computes the passes. Queries with choices are answered; rows of text wait to be decoded with other rows.

        When `stopping` returns true, no further pass begins. A pass that begins is removed from `passes`, which frees
        its images. The answers to its queries with choices are read while the next pass is computed.
        """
        read: Read = _nothing
        while passes and batch.error is None and not stopping():
            begun, coming = self._pass(batch, passes.pop(0))
            read()
            read = begun
            self._stages.settle()
            self._wait(batch, coming)
        read()
        self._stages.settle()

    def flush(self) -> None:
        """Decodes all rows that wait. If this fails, the rows of each request are decoded separately, so that an error
        fails only its own request."""
        waiting, self._waiting = self._waiting, []
        batches = list(dict.fromkeys(one.batch for one in waiting))
        if self._decoded(waiting, batches):
            return
        for batch in batches:
            self._decoded(
                [one for one in waiting if one.batch is batch and (one.item, one.query) not in batch.answers], [batch]
            )

    def forget(self, batch: Batch) -> None:
        """Drops the rows of a request that has failed."""
        self._waiting = [one for one in self._waiting if one.batch is not batch]

    def _wait(self, batch: Batch, coming: list[_PendingRow]) -> None:
        """Adds rows to the rows that wait. If all rows together are too many, or need too much memory, the rows that
        wait already are decoded first."""
        if self._waiting and self._full(self._waiting + coming):
            self.flush()
        batch.waiting += len(coming)
        self._waiting += coming
        if len(self._waiting) >= self.sizes.rows:
            self.flush()

    def _full(self, rows: Sequence[_PendingRow]) -> bool:
        return len(rows) > self.sizes.rows or bytes_needed([one.row for one in rows], self.model) > self.sizes.kv_bytes

    def _packed(self, jobs: Sequence[JobImages]) -> Pack:
        return pack(
            [job.tree for job, _ in jobs],
            [job.images for job, _ in jobs],
            self.model.features_per_image,
            self.model.lengths,
        )

    def _pass(self, batch: Batch, plan: PassPlan) -> tuple[Read, list[_PendingRow]]:
        """Begins one pass. Returns two results: a function that reads the answers with choices, and the rows of text.

        If the device's memory runs out, the pass is halved.
        """

        def run(some: list[JobImages]) -> list[tuple[Read, list[_PendingRow]]]:
            return [self._prefill(batch, some, plan.pack if len(some) == len(plan.jobs) else self._packed(some))]

        parts = self._halving(list(plan.jobs), run)

        def read() -> None:
            for one, _ in parts:
                one()

        return read, [row for _, rows in parts for row in rows]

    def _prefill(self, batch: Batch, planned: list[JobImages], packed: Pack) -> tuple[Read, list[_PendingRow]]:
        jobs = [job for job, _ in planned]
        with self._stages.stage("vision"):
            features = self.model.features([image for _, pixels in planned for image in pixels])
        text = any(query.choices is None for job in jobs for _, query in job.queries)
        with self._stages.stage("prefill"):
            prefilled = self.model.prefill(packed, features, keep=text)
        self._observe(jobs, packed, len(features))
        read = self._choose(batch, jobs, prefilled.logits)
        asked = [(job.item, q) for job in jobs for q, query in job.queries if query.max_tokens is not None]
        rows = rows_of(self.model, packed, prefilled, [[query.max_tokens for _, query in job.queries] for job in jobs])
        return read, [_PendingRow(batch, item, q, row) for (item, q), row in zip(asked, rows, strict=True)]

    def _choose(self, batch: Batch, jobs: Sequence[Job], logits: Tensor) -> Read:
        """Starts to compute the answers to queries with choices. Returns a function that reads them."""
        asked = [(job.item, q, ids) for job in jobs for (q, _), ids in zip(job.queries, job.choices, strict=True)]
        chosen = [(row, item, q, ids) for row, (item, q, ids) in enumerate(asked) if ids]
        if not chosen:
            return _nothing
        mine = logits[self.model.send(torch.tensor([row for row, *_ in chosen]))]
        places = [(place, token) for place, (*_, ids) in enumerate(chosen) for token in ids]
        flat = self.model.send(torch.tensor(places))
        logprobs = mine[flat[:, 0], flat[:, 1]] - mine.logsumexp(dim=-1)[flat[:, 0]]
        best = mine.argmax(dim=-1)

        def read() -> None:
            values, begin = logprobs.tolist(), 0
            for (_, item, q, ids), token in zip(chosen, best.tolist(), strict=True):
                mine = values[begin : begin + len(ids)]
                batch.answers[item, q] = Choice(tuple(mine), _mass(ids, mine), self.tokens.name(token), token)
                begin += len(ids)

        return read

    def _decoded(self, waiting: Sequence[_PendingRow], batches: Sequence[Batch]) -> bool:
        """Decodes rows of requests. Returns False after an error. If there is only one request, it has failed with this
        error."""
        try:
            self._decode(waiting)
        except Exception as error:
            if len(batches) > 1:
                log.warning(
                    "decoding rows of %d requests failed; decoding each request separately", len(batches), exc_info=True
                )
            else:
                batches[0].error = error
            return False
        finally:
            self._stages.settle()
        return True

    def _decode(self, waiting: Sequence[_PendingRow]) -> None:
        if not waiting:
            return
        # A single pack may have more rows than the limits of a batch allow.
        if len(waiting) > 1 and self._full(waiting):
            middle = len(waiting) // 2
            self._decode(waiting[:middle])
            self._decode(waiting[middle:])
            return
        with self._stages.stage("styler"):
            generated: list[Continuation] = self._halving(
                [one.row for one in waiting], lambda some: generate(self.model, some, self.generation, self._observer)
            )
        for one, made in zip(waiting, generated, strict=True):
            one.batch.answers[one.item, one.query] = Text(self.tokens.text(list(made.tokens)), made.truncated)
            one.batch.waiting -= 1

    def _halving(self, parts: list[T], run: Callable[[list[T]], list]) -> list:
        """Runs parts together. If the device's memory runs out, runs each half separately. If memory runs out for a
        single part, raises the error."""
        try:
            return run(parts)
        except RuntimeError as error:  # torch.OutOfMemoryError is a subclass
            if len(parts) == 1 or not out_of_memory(error):
                raise
            log.warning("out of memory with %d parts; running each half separately", len(parts))
        # This is outside the except clause, because the exception keeps references to tensors that must be freed.
        self._observer.split()
        free(self.model.device)
        middle = len(parts) // 2
        return self._halving(parts[:middle], run) + self._halving(parts[middle:], run)

    def _observe(self, jobs: Sequence[Job], packed: Pack, features: int) -> None:
        self._observer.tokens("vision", features)
        self._observer.tokens("prefill", packed.length)
        self._observer.padding(packed.length - packed.used)
        self._observer.shared(sum(job.tree.separate - job.tree.length for job in jobs))
        self._observer.packed(packed.used / packed.length)


def free_bytes(device: torch.device) -> int | None:
    """Returns the free bytes of a GPU; None for a CPU."""
    if device.type != "cuda":
        return None
    free(device)
    return torch.cuda.mem_get_info(device)[0]


def _nothing() -> None:
    """Does nothing, for a pass without queries with choices."""


def _mass(ids: Sequence[int], logprobs: Sequence[float]) -> float:
    """Returns the total probability of the choices. A choice that is given twice counts once."""
    each = dict(zip(ids, logprobs, strict=True))
    return math.fsum(map(math.exp, each.values()))

"""Greedy text for a batch of rows, after their prompts were prefilled: METHOD.md, "Decoding"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sidecar.checkpoint import Generation
from sidecar.model import Model, PrefillResult
from sidecar.observer import Observer
from sidecar.packing import Pack

ROOM = 64
"""The cache's length is a multiple of it, as kernels with a mask require."""


@dataclass(frozen=True)
class Row:
    """A prompt to continue: logits after its last token, keys and values per layer (key heads, n, size)."""

    logits: Tensor
    cache: tuple[tuple[Tensor, Tensor], ...]
    max_tokens: int

    @property
    def length(self) -> int:
        return self.cache[0][0].shape[1]

    @property
    def room(self) -> int:
        """Positions that the row may come to."""
        return -(-(self.length + self.max_tokens) // ROOM) * ROOM


@dataclass(frozen=True)
class Continuation:
    """The tokens of a row without the end of sequence, and whether max_tokens came before it."""

    tokens: tuple[int, ...]
    truncated: bool


def rows_of(
    model: Model, packed: Pack, prefilled: PrefillResult, max_tokens: Sequence[Sequence[int | None]]
) -> list[Row]:
    """The rows of a pack's branches, in order, but for those without a number of tokens."""
    rows = []
    at = 0
    for span, allowed in zip(packed.spans, max_tokens, strict=True):
        for branch, most in enumerate(allowed):
            if most is not None:
                seen = model.send(torch.tensor(span.seen(branch)))
                # Copies, so that the pack's own keys and values can go.
                cache = tuple((keys[:, seen], values[:, seen]) for keys, values in prefilled.cache)
                rows.append(Row(prefilled.logits[at + branch].clone(), cache, most))
        at += len(allowed)
    return rows


def bytes_needed(rows: Sequence[Row], model: Model) -> int:
    """Memory of a batch: the padded cache, and the rows' own that it is made from."""
    widest = max((row.room for row in rows), default=0)
    return model.cache_bytes * (widest * len(rows) + sum(row.length for row in rows))


def generate(model: Model, rows: Sequence[Row], generation: Generation, observer: Observer) -> list[Continuation]:
    """Greedy tokens of every row. Rows that have ended leave the batch when half of it has."""
    made: list[list[int]] = [[] for _ in rows]
    ended = [False] * len(rows)
    logits = torch.stack([row.logits for row in rows])
    lengths = torch.tensor([row.length for row in rows], device=model.device)
    seen = torch.zeros(logits.shape, dtype=torch.bool, device=model.device)
    alive = list(range(len(rows)))
    cache = _joined(rows)
    step = model.stepper(cache)
    while True:
        # The penalty is over generated tokens alone, so the first token has none.
        scaled = torch.where(logits > 0, logits / generation.penalty, logits * generation.penalty)
        best = torch.where(seen, scaled, logits).argmax(dim=-1)
        seen.scatter_(1, best[:, None], True)
        for k, token in zip(alive, best.tolist(), strict=True):
            if _open(made[k], ended[k], rows[k]):
                ended[k] = token in generation.ends
                if not ended[k]:
                    made[k].append(token)
        going = [place for place, k in enumerate(alive) if _open(made[k], ended[k], rows[k])]
        if not going:
            break
        if len(going) <= len(alive) // 2:
            kept = torch.tensor(going, device=model.device)
            alive = [alive[place] for place in going]
            best, lengths, seen = best[kept], lengths[kept], seen[kept]
            cache = [(keys[kept], values[kept]) for keys, values in cache]
            step = model.stepper(cache)
        logits = step(best, lengths)
        observer.tokens("styler", len(alive))
        observer.step()
        # A row that has ended and still stands in the batch must not run out of its room.
        lengths = (lengths + 1).clamp(max=cache[0][0].shape[2] - 1)
    observer.rows(len(rows))
    return [Continuation(tuple(tokens), not end) for tokens, end in zip(made, ended, strict=True)]


def _open(tokens: list[int], ended: bool, row: Row) -> bool:
    return not ended and len(tokens) < row.max_tokens


def _joined(rows: Sequence[Row]) -> list[tuple[Tensor, Tensor]]:
    """One cache of the rows, padded behind; what lies behind a row's length is never seen."""
    room = max(row.room for row in rows)
    joined = []
    for layer in range(len(rows[0].cache)):
        pair = []
        for part in range(2):
            first = rows[0].cache[layer][part]
            whole = first.new_zeros(len(rows), len(first), room, first.shape[2])
            for k, row in enumerate(rows):
                whole[k, :, : row.length] = row.cache[layer][part]
            pair.append(whole)
        joined.append((pair[0], pair[1]))
    return joined

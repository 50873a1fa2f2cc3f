"""Decodes a batch of rows greedily, after a pass over their prompts. README.md, "Model input", has the rules."""

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
"""The length of the cache is a multiple of this number, because kernels with a mask require it."""


@dataclass(frozen=True)
class Row:
    """A prompt to continue: the logits after its last token, and the keys and values of each layer, each
    (key heads, n, size)."""

    logits: Tensor
    cache: tuple[tuple[Tensor, Tensor], ...]
    max_tokens: int

    @property
    def length(self) -> int:
        return self.cache[0][0].shape[1]

    @property
    def room(self) -> int:
        """The most positions of the row, rounded up to a multiple of ROOM."""
        return -(-(self.length + self.max_tokens) // ROOM) * ROOM


@dataclass(frozen=True)
class Continuation:
    """The tokens of a row without the end of sequence, and whether max_tokens ended them."""

    tokens: tuple[int, ...]
    truncated: bool


def rows_of(
    model: Model, packed: Pack, prefilled: PrefillResult, max_tokens: Sequence[Sequence[int | None]]
) -> list[Row]:
    """Returns a row for each branch of a pack that has a `max_tokens`, in the order of the branches."""
    rows = []
    at = 0
    for span, allowed in zip(packed.spans, max_tokens, strict=True):
        for branch, most in enumerate(allowed):
            if most is not None:
                seen = model.send(torch.tensor(span.seen(branch)))
                # Copies, so that the keys and values of the pack can be freed.
                cache = tuple((keys[:, seen], values[:, seen]) for keys, values in prefilled.cache)
                rows.append(Row(prefilled.logits[at + branch].clone(), cache, most))
        at += len(allowed)
    return rows


def bytes_needed(rows: Sequence[Row], model: Model) -> int:
    """Returns the bytes of a batch: of its padded cache, and of the caches of its rows, which are copied into it."""
    widest = max((row.room for row in rows), default=0)
    return model.cache_bytes * (widest * len(rows) + sum(row.length for row in rows))


def generate(model: Model, rows: Sequence[Row], generation: Generation, observer: Observer) -> list[Continuation]:
    """Returns the greedy tokens of every row. When half of the rows in the batch have ended, they are removed."""
    made: list[list[int]] = [[] for _ in rows]
    ended = [False] * len(rows)
    logits = torch.stack([row.logits for row in rows])
    lengths = torch.tensor([row.length for row in rows], device=model.device)
    seen = torch.zeros(logits.shape, dtype=torch.bool, device=model.device)
    alive = list(range(len(rows)))
    cache = _joined(rows)
    step = model.stepper(cache)
    while True:
        # The penalty applies to generated tokens only, so it does not change the first token.
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
        # A row that has ended and is still in the batch must not write beyond the end of the cache.
        lengths = (lengths + 1).clamp(max=cache[0][0].shape[2] - 1)
    observer.rows(len(rows))
    return [Continuation(tuple(tokens), not end) for tokens, end in zip(made, ended, strict=True)]


def _open(tokens: list[int], ended: bool, row: Row) -> bool:
    return not ended and len(tokens) < row.max_tokens


def _joined(rows: Sequence[Row]) -> list[tuple[Tensor, Tensor]]:
    """Copies the caches of rows into one cache. Each row is padded at its end; attention never reads the padding."""
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

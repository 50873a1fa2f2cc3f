"""Prompts of a sample share their longest common token prefix; several samples share one pass.

A sample's prompts become a tree: the prefix once, then each prompt's remaining tokens as a branch. A branch sees the
prefix and itself, and its positions restart at the prefix's end, so every token sees what it would see alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import torch
from numpy.typing import NDArray

from sidecar.tokens import IMAGE

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Tree:
    """One sample's prompts for one model. Ids below zero are image features: -1 - (row of the sample's features)."""

    prefix: Ids
    branches: tuple[Ids, ...]

    @property
    def length(self) -> int:
        """Positions to compute."""
        return len(self.prefix) + sum(map(len, self.branches))

    @property
    def separate(self) -> int:
        """Positions that a pass for each prompt would compute."""
        return len(self.prefix) * len(self.branches) + sum(map(len, self.branches))


def expand(prompt: Sequence[int], features: int) -> Ids:
    """A prompt's ids with each image replaced by its `features` rows."""
    ids: list[int] = []
    image = 0
    for token in prompt:
        if token == IMAGE:
            ids += range(-1 - image * features, -1 - (image + 1) * features, -1)
            image += 1
        else:
            ids.append(token)
    return np.array(ids, dtype=np.int64)


def tree(prompts: Sequence[Ids]) -> Tree:
    """The tree of one or more prompts. Each keeps at least its last token as a branch: the answer is read there."""
    shared = min(map(len, prompts)) - 1
    for prompt in prompts[1:]:
        differs = np.flatnonzero(prompt[:shared] != prompts[0][:shared])
        shared = int(differs[0]) if len(differs) else shared
    return Tree(prompts[0][:shared], tuple(prompt[shared:] for prompt in prompts))


def cut(whole: Tree, budget: int) -> list[tuple[int, Tree]]:
    """The tree in parts of at most `budget` positions, each with the number of its first branch.

    Each prompt alone must fit.
    """
    parts: list[tuple[int, Tree]] = []
    first, size = 0, len(whole.prefix)
    for k, branch in enumerate(whole.branches):
        if k > first and size + len(branch) > budget:
            parts.append((first, Tree(whole.prefix, whole.branches[first:k])))
            first, size = k, len(whole.prefix)
        size += len(branch)
    return [*parts, (first, Tree(whole.prefix, whole.branches[first:]))]


def bins(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Which trees go into one pass: first fit, longest first. A pure function of the lengths."""
    packs: list[list[int]] = []
    room: list[int] = []
    for k in sorted(range(len(lengths)), key=lambda k: (-lengths[k], k)):
        place = next((p for p, free in enumerate(room) if lengths[k] <= free), None)
        if place is None:
            packs.append([])
            room.append(budget)
            place = len(packs) - 1
        packs[place].append(k)
        room[place] -= lengths[k]
    return [sorted(pack) for pack in packs]


def buckets(budget: int, smallest: int = 2048, multiple: int = 128) -> tuple[int, ...]:
    """The lengths a pass may have where each new length is a compilation: halves of the budget, ascending."""
    lengths = []
    while not lengths or (budget >= smallest and budget < lengths[-1]):
        lengths.append(-(-budget // multiple) * multiple)
        budget //= 2
    return tuple(reversed(lengths))


@dataclass(frozen=True)
class Span:
    """Where a tree lies in a pack."""

    start: int
    prefix: int
    branches: tuple[int, ...]

    @property
    def stop(self) -> int:
        return self.start + self.prefix + sum(self.branches)

    @property
    def answers(self) -> list[int]:
        """The last position of each branch."""
        return [self.start + self.prefix + end - 1 for end in accumulate(self.branches)]

    def seen(self, branch: int) -> list[int]:
        """The positions that a branch's last token sees: what a cache of its prompt holds."""
        begin = self.start + self.prefix + sum(self.branches[:branch])
        return [*range(self.start, self.start + self.prefix), *range(begin, begin + self.branches[branch])]


@dataclass(frozen=True)
class Pack:
    """Several trees in one sequence; the tail beyond `used` is padding, a document of its own.

    The four arrays have one entry per position: `ids` (image features below zero, as in Tree but counted over the
    pack), `positions`, `documents` (which tree) and `branches` (0 is the prefix).
    """

    ids: torch.Tensor
    positions: torch.Tensor
    documents: torch.Tensor
    branches: torch.Tensor
    spans: tuple[Span, ...]

    @property
    def length(self) -> int:
        return len(self.ids)

    @property
    def used(self) -> int:
        return self.spans[-1].stop

    @property
    def answers(self) -> list[int]:
        """Positions where an answer is read: trees in order, branches in order."""
        return [row for span in self.spans for row in span.answers]


def pack(trees: Sequence[Tree], images: Sequence[int], features: int, lengths: Sequence[int] = ()) -> Pack:
    """Lay trees out one after another; each tree's sample has as many images as `images` says, of `features` rows each.

    The pack is padded to the first of `lengths` that holds it; without any it is not padded.
    """
    used = sum(t.length for t in trees)
    length = next((n for n in lengths if n >= used), used)
    ids = np.zeros(length, dtype=np.int64)
    positions = np.zeros(length, dtype=np.int64)
    documents = np.full(length, len(trees), dtype=np.int32)
    branches = np.zeros(length, dtype=np.int32)
    positions[used:] = np.arange(length - used)
    spans = []
    start = row = 0
    for document, (t, count) in enumerate(zip(trees, images, strict=True)):
        span = Span(start, len(t.prefix), tuple(map(len, t.branches)))
        body = slice(span.start, span.stop)
        joined = np.concatenate([t.prefix, *t.branches])
        ids[body] = np.where(joined < 0, joined - row, joined)
        positions[body] = np.concatenate(
            [np.arange(span.prefix), *(np.arange(span.prefix, span.prefix + n) for n in span.branches)]
        )
        documents[body] = document
        branches[body] = np.repeat(np.arange(len(span.branches) + 1), [span.prefix, *span.branches])
        spans.append(span)
        start, row = span.stop, row + count * features
    arrays = (torch.from_numpy(a) for a in (ids, positions, documents, branches))
    return Pack(*arrays, tuple(spans))

"""Packs prompts into passes. The prompts of a sample share their longest common token prefix, and several samples share
one pass.

The prompts of a sample become a tree: the prefix once, and the remaining tokens of each prompt as a branch. A branch
attends to the prefix and to itself, and its positions continue those of the prefix. So the answer to a prompt is the
same as in a pass of its own.
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
    """The prompts of one sample for one model. An id below zero is an image feature: -1 - (row of the features)."""

    prefix: Ids
    branches: tuple[Ids, ...]

    @property
    def length(self) -> int:
        """Positions to compute."""
        return len(self.prefix) + sum(map(len, self.branches))

    @property
    def separate(self) -> int:
        """Positions to compute if each prompt had its own pass."""
        return len(self.prefix) * len(self.branches) + sum(map(len, self.branches))


def expand(prompt: Sequence[int], features: int) -> Ids:
    """Returns the ids of a prompt, with `features` ids below zero in place of each image."""
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
    """Joins one or more prompts into a tree. An answer is read at the last token of its prompt, so each branch contains
    this token."""
    shared = min(map(len, prompts)) - 1
    for prompt in prompts[1:]:
        differs = np.flatnonzero(prompt[:shared] != prompts[0][:shared])
        shared = int(differs[0]) if len(differs) else shared
    return Tree(prompts[0][:shared], tuple(prompt[shared:] for prompt in prompts))


def cut(whole: Tree, budget: int) -> list[tuple[int, Tree]]:
    """Cuts a tree into parts of at most `budget` positions. Returns each part with the index of its first branch.

    Each single prompt must fit into the budget.
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
    """Distributes trees to passes: first fit, longest tree first. Returns the indexes of the trees of each pass."""
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
    """Returns the allowed lengths of a pass, ascending: the budget, its half, its quarter, and so on.

    There are few lengths, because each must be compiled.
    """
    lengths = []
    while not lengths or (budget >= smallest and budget < lengths[-1]):
        lengths.append(-(-budget // multiple) * multiple)
        budget //= 2
    return tuple(reversed(lengths))


@dataclass(frozen=True)
class Span:
    """The positions of a tree in a pack."""

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
        """Returns the positions that a branch's last token attends to: the positions of the cache of its prompt."""
        begin = self.start + self.prefix + sum(self.branches[:branch])
        return [*range(self.start, self.start + self.prefix), *range(begin, begin + self.branches[branch])]


@dataclass(frozen=True)
class Pack:
    """Several trees in one sequence. The positions from `used` on are padding, which is a separate document.

    The four arrays have one entry for each position: `ids` (as in Tree, but feature rows are numbered over the whole
    pack), `positions`, `documents` (index of the tree) and `branches` (0 is the prefix).
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
        """The positions where answers are read, in the order of trees and their branches."""
        return [row for span in self.spans for row in span.answers]


def pack(trees: Sequence[Tree], images: Sequence[int], features: int, lengths: Sequence[int] = ()) -> Pack:
    """Puts trees one after another into a pack. `images` is the number of images of each tree; an image has `features`
    rows.

    The pack is padded to the first of `lengths` that it fits into. If none fits, it is not padded.
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

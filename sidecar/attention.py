"""Makes the attention masks of a pack, in the two forms that the kernels require.

A position attends to itself and to earlier positions of its own document, if they are in the prefix or in the same
branch. `SampleMasks` is for SDPA: each sample has a mask, with rows for its branches only. `BlockMasks` is for
FlexAttention: one block mask covers the pack. Tests compare the results of both forms.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask
from torch.nn.functional import scaled_dot_product_attention as sdpa

from sidecar.packing import Pack, Span

BLOCK = 128
Send = Callable[[Tensor], Tensor]
"""Copies a tensor from the host to the device."""


def branch_mask(span: Span) -> Tensor:
    """Returns the mask of a span: a row for each position of its branches, a column for each position of the span."""
    lengths = torch.tensor(span.branches)
    branch = torch.repeat_interleave(torch.arange(len(lengths)), lengths)
    own = (branch[:, None] == branch) & torch.ones(len(branch), len(branch), dtype=torch.bool).tril()
    return torch.cat([torch.ones(len(branch), span.prefix, dtype=torch.bool), own], dim=1)


def rows(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    """Computes attention for a few rows of queries.

    The shapes are queries (heads, rows, size), keys and values (key heads, n, size), and mask (rows, n). Query heads
    that share a key head are stacked as rows, so keys and values are not copied.
    """
    heads, count, size = queries.shape
    groups = heads // len(keys)
    grouped = queries.reshape(len(keys), groups * count, size)
    return sdpa(grouped[None], keys[None], values[None], attn_mask=mask.repeat(groups, 1))[0].reshape(queries.shape)


class SampleMasks:
    """Computes attention sample by sample: the prefix with a causal mask, then the branches with their own mask."""

    def __init__(self, packed: Pack, send: Send) -> None:
        self._pack = packed
        self._send = send
        self._masks = [branch_mask(span) for span in packed.spans]
        # Masks of the answers' positions. They are sent before the forward pass, so that it does not wait for a copy.
        self._answer_masks = [
            send(mask[torch.tensor(span.answers) - (span.start + span.prefix)])
            for span, mask in zip(packed.spans, self._masks, strict=True)
        ]

    @cached_property
    def _sent(self) -> list[Tensor]:
        return [self._send(mask) for mask in self._masks]

    def __call__(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Attends over the whole pack. Each tensor is (heads, length, size). The result is zero at padding."""
        out = torch.zeros_like(queries)
        for span, mask in zip(self._pack.spans, self._sent, strict=True):
            middle = span.start + span.prefix
            if span.prefix:
                head = slice(span.start, middle)
                out[:, head] = sdpa(
                    queries[None, :, head], keys[None, :, head], values[None, :, head], is_causal=True, enable_gqa=True
                )[0]
            body = slice(span.start, span.stop)
            out[:, middle : span.stop] = rows(queries[:, middle : span.stop], keys[:, body], values[:, body], mask)
        return out

    def answers(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Attends for the answers only: queries (heads, answers, size) over the keys and values of the whole pack."""
        parts, begin = [], 0
        for span, mask in zip(self._pack.spans, self._answer_masks, strict=True):
            end = begin + len(span.branches)
            body = slice(span.start, span.stop)
            parts.append(rows(queries[:, begin:end], keys[:, body], values[:, body], mask))
            begin = end
        return torch.cat(parts, dim=1)


class BlockMasks:
    """Makes the block masks of packs of one length.

    All packs use the same mask function and the same tensors, so a compiled layer is not compiled again.
    """

    def __init__(self, length: int, device: torch.device | str) -> None:
        if length % BLOCK:
            raise ValueError(f"a pack of {length} positions cannot be cut into blocks of {BLOCK}")
        self._length = length
        documents = self._documents = torch.zeros(length, dtype=torch.int32, device=device)
        branches = self._branches = torch.zeros(length, dtype=torch.int32, device=device)

        def attends(_batch: Tensor, _head: Tensor, query: Tensor, key: Tensor) -> Tensor:
            allowed = (branches[key] == 0) | (branches[key] == branches[query])
            return (documents[key] == documents[query]) & allowed & (key <= query)

        self._attends = attends

    def mask(self, packed: Pack, send: Send) -> BlockMask:
        """Returns the block mask of a pack. It is valid until the next call."""
        self._documents.copy_(send(packed.documents))
        self._branches.copy_(send(packed.branches))
        partial, full = blocks(packed)
        tables = (send(table) for kind in (partial, full) for table in _listed(kind))
        return BlockMask.from_kv_blocks(
            *tables,
            BLOCK_SIZE=BLOCK,
            mask_mod=self._attends,
            seq_lengths=(self._length, self._length),
            compute_q_blocks=False,
        )


def blocks(packed: Pack) -> tuple[Tensor, Tensor]:
    """Returns two tables. Each has a row for every block of queries and a column for every block of keys.

    The first table marks pairs of blocks in which some queries may attend to some keys. The second marks pairs in which
    every query attends to every key. No pair is marked in both. Documents are contiguous and ascending, so the first
    and last document of a block determine the documents between. The first table may mark a pair without attention.
    """
    documents = packed.documents.view(-1, BLOCK)
    first, last = documents[:, 0], documents[:, -1]
    count = torch.arange(len(documents))
    earlier = count[None, :] < count[:, None]
    some = (count[None, :] <= count[:, None]) & (last[None, :] >= first[:, None])
    prefix = (packed.branches.view(-1, BLOCK) == 0).all(dim=1) & (first == last)
    whole = earlier & prefix[None, :] & (last[None, :] == first[:, None]) & (last[None, :] == last[:, None])
    return some & ~whole, whole


def _listed(table: Tensor) -> tuple[Tensor, Tensor]:
    """Converts a table of blocks to FlexAttention's form: the number of marked blocks in each row, and the columns of
    each row in an order that has the marked blocks first."""
    columns = torch.argsort((~table).to(torch.int8), dim=1, stable=True)
    return table.sum(dim=1, dtype=torch.int32)[None, None], columns.to(torch.int32)[None, None]

"""Who sees whom in a pack, in the two forms that kernels take.

A position sees an earlier or equal position of its own document that is in the prefix or in its own branch.
`SampleMasks` is for SDPA, a mask per sample and only for its branches; `BlockMasks` is for FlexAttention, a block mask
over the pack. Tests compare the two.
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
"""Puts a tensor of the host on the device."""


def branch_mask(span: Span) -> Tensor:
    """Which of the span's positions (columns) each position of its branches (rows) sees."""
    lengths = torch.tensor(span.branches)
    branch = torch.repeat_interleave(torch.arange(len(lengths)), lengths)
    own = (branch[:, None] == branch) & torch.ones(len(branch), len(branch), dtype=torch.bool).tril()
    return torch.cat([torch.ones(len(branch), span.prefix, dtype=torch.bool), own], dim=1)


def rows(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    """Attention of a few rows, heads first: (heads, rows, size) over (key heads, n, size) under a (rows, n) mask.

    The query heads of one key head are taken as more rows, so nothing is repeated.
    """
    heads, count, size = queries.shape
    groups = heads // len(keys)
    grouped = queries.reshape(len(keys), groups * count, size)
    return sdpa(grouped[None], keys[None], values[None], attn_mask=mask.repeat(groups, 1))[0].reshape(queries.shape)


class SampleMasks:
    """Attention of a pack, sample by sample: the prefix causally, then its branches under a mask."""

    def __init__(self, packed: Pack, send: Send) -> None:
        self._pack = packed
        self._send = send
        self._masks = [branch_mask(span) for span in packed.spans]
        # What the rows of answers see: made before the pass, so that nothing in it waits for a copy.
        self._read = [
            send(mask[torch.tensor(span.answers) - (span.start + span.prefix)])
            for span, mask in zip(packed.spans, self._masks, strict=True)
        ]

    @cached_property
    def _sent(self) -> list[Tensor]:
        return [self._send(mask) for mask in self._masks]

    def __call__(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Attend over the whole pack: (heads, length, size) each; padding attends to nothing and stays zero."""
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
        """Attend for the pack's answers alone: (heads, answers, size) over the whole pack's keys and values."""
        parts, begin = [], 0
        for span, mask in zip(self._pack.spans, self._read, strict=True):
            end = begin + len(span.branches)
            body = slice(span.start, span.stop)
            parts.append(rows(queries[:, begin:end], keys[:, body], values[:, body], mask))
            begin = end
        return torch.cat(parts, dim=1)


class BlockMasks:
    """Block masks of packs of one length.

    The mask function and the tensors it reads are made once: a compiled layer that has seen them is not compiled anew.
    """

    def __init__(self, length: int, device: torch.device | str) -> None:
        if length % BLOCK:
            raise ValueError(f"a pack of {length} positions cannot be cut into blocks of {BLOCK}")
        self._length = length
        documents = self._documents = torch.zeros(length, dtype=torch.int32, device=device)
        branches = self._branches = torch.zeros(length, dtype=torch.int32, device=device)

        def sees(_batch: Tensor, _head: Tensor, query: Tensor, key: Tensor) -> Tensor:
            allowed = (branches[key] == 0) | (branches[key] == branches[query])
            return (documents[key] == documents[query]) & allowed & (key <= query)

        self._sees = sees

    def mask(self, packed: Pack, send: Send) -> BlockMask:
        """The block mask of a pack; it holds until the next call."""
        self._documents.copy_(send(packed.documents))
        self._branches.copy_(send(packed.branches))
        partial, full = blocks(packed)
        tables = (send(table) for kind in (partial, full) for table in _listed(kind))
        return BlockMask.from_kv_blocks(
            *tables,
            BLOCK_SIZE=BLOCK,
            mask_mod=self._sees,
            seq_lengths=(self._length, self._length),
            compute_q_blocks=False,
        )


def blocks(packed: Pack) -> tuple[Tensor, Tensor]:
    """Which blocks of keys (columns) each block of queries (rows) sees in part, and which it sees whole.

    Documents are contiguous and ascending, so a block's first and last documents give the ones between. A partial block
    may turn out empty; a full one is full.
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
    """A table of blocks as FlexAttention takes it: how many in each row, and their columns, those first."""
    columns = torch.argsort((~table).to(torch.int8), dim=1, stable=True)
    return table.sum(dim=1, dtype=torch.int32)[None, None], columns.to(torch.int32)[None, None]

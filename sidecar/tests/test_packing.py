"""Trees, packs and masks. Both kinds of masks are compared with the rule of attention."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from sidecar import attention
from sidecar.attention import BLOCK, BlockMasks, SampleMasks, blocks, branch_mask
from sidecar.packing import Pack, Tree, bins, buckets, cut, expand, pack, tree
from sidecar.tokens import IMAGE


def ids(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def made(prefix: int, *branches: int, first: int = 0) -> Tree:
    parts = tuple(np.full(n, 900 + k, dtype=np.int64) for k, n in enumerate(branches))
    return Tree(np.arange(first, first + prefix, dtype=np.int64), parts)


def test_expand_numbers_the_features_of_all_images() -> None:
    assert expand([5, IMAGE, 6, IMAGE, 7], 3).tolist() == [5, -1, -2, -3, 6, -4, -5, -6, 7]


@pytest.mark.parametrize(
    ("prompts", "prefix", "branches"),
    [
        ([ids(1, 2, 3)], [1, 2], [[3]]),
        ([ids(1, 2, 3, 4), ids(1, 2, 5)], [1, 2], [[3, 4], [5]]),
        ([ids(1, 2), ids(1, 2)], [1], [[2], [2]]),
        ([ids(1, 2), ids(1, 2, 3)], [1], [[2], [2, 3]]),
        ([ids(1, 2), ids(3, 2)], [], [[1, 2], [3, 2]]),
    ],
)
def test_tree_shares_the_longest_prefix(
    prompts: list[np.ndarray], prefix: list[int], branches: list[list[int]]
) -> None:
    got = tree(prompts)
    assert got.prefix.tolist() == prefix and [b.tolist() for b in got.branches] == branches
    assert got.separate == sum(map(len, prompts))


def test_cut_keeps_every_branch_within_the_budget() -> None:
    whole = made(10, 4, 4, 4, 5, 1)
    parts = cut(whole, 18)
    assert [first for first, _ in parts] == [0, 2, 3]
    assert all(part.length <= 18 for _, part in parts)
    assert [len(b) for _, part in parts for b in part.branches] == [4, 4, 4, 5, 1]
    assert cut(whole, 100) == [(0, whole)]


def test_each_tree_is_in_one_bin_and_no_bin_exceeds_the_budget() -> None:
    lengths = [int(n) for n in np.random.default_rng(1).integers(1, 60, 200)]
    packs = bins(lengths, 64)
    assert sorted(k for p in packs for k in p) == list(range(200))
    assert all(sum(lengths[k] for k in p) <= 64 for p in packs)
    assert sum(lengths) / (64 * len(packs)) > 0.9
    assert packs == bins(lengths, 64)


def test_buckets_are_few_and_fit_the_blocks() -> None:
    assert buckets(16384) == (2048, 4096, 8192, 16384)
    assert buckets(1000) == (1024,)
    for budget in (1000, 3000, 5000, 16384, 20000):
        lengths = buckets(budget)
        assert (
            lengths[-1] >= budget and all(n % BLOCK == 0 for n in lengths) and all(a < b for a, b in pairwise(lengths))
        )


TREES = (made(150, 3, 9, 1, first=10), made(0, 2, 4), made(500, 7), made(129, 20, 20, 20, 20))


def laid(lengths: tuple[int, ...] = (1024,)) -> Pack:
    return pack(TREES, [0] * len(TREES), 3, lengths)


def test_pack_computes_positions_documents_and_answers() -> None:
    got = laid()
    assert (got.length, got.used) == (1024, sum(t.length for t in TREES))
    assert got.positions[:166].tolist() == [*range(150), *range(150, 153), *range(150, 159), 150, 0, 1, 0]
    assert got.answers[:5] == [152, 161, 162, 164, 168]
    assert [got.documents[row].item() for row in got.answers] == [0, 0, 0, 1, 1, 2, 3, 3, 3, 3]
    assert got.spans[0].seen(1) == [*range(150), *range(153, 162)]
    assert laid(()).length == got.used


def test_pack_counts_features_over_the_pack() -> None:
    trees = [tree([expand([5, IMAGE, 6], 2)]), tree([expand([7], 2)]), tree([expand([IMAGE, IMAGE, 8], 2)])]
    assert pack(trees, [1, 0, 2], 2).ids.tolist() == [5, -1, -2, 6, 7, -3, -4, -5, -6, 8]


def rule(packed: Pack) -> torch.Tensor:
    """Returns the mask that the rule of attention gives, computed for each pair of positions."""
    allowed = torch.zeros(packed.length, packed.length, dtype=torch.bool)
    documents, branches = packed.documents.tolist(), packed.branches.tolist()
    for query in range(packed.length):
        for key in range(query + 1):
            allowed[query, key] = documents[key] == documents[query] and branches[key] in (0, branches[query])
    return allowed


def from_samples(packed: Pack) -> torch.Tensor:
    allowed = torch.zeros(packed.length, packed.length, dtype=torch.bool)
    for span in packed.spans:
        middle = span.start + span.prefix
        allowed[span.start : middle, span.start : middle] = torch.ones(
            span.prefix, span.prefix, dtype=torch.bool
        ).tril()
        allowed[middle : span.stop, span.start : span.stop] = branch_mask(span)
    return allowed


def from_blocks(packed: Pack) -> torch.Tensor:
    mask = BlockMasks(packed.length, "cpu").mask(packed, torch.Tensor.cpu)
    every = torch.arange(packed.length)
    zero = torch.zeros((), dtype=torch.int64)
    exact = mask.mask_mod(zero, zero, every[:, None], every)
    allowed = torch.zeros_like(exact)
    for listed, counts, whole in (
        (mask.kv_indices, mask.kv_num_blocks, False),
        (mask.full_kv_indices, mask.full_kv_num_blocks, True),
    ):
        assert listed is not None and counts is not None
        for row, count in enumerate(counts[0, 0].tolist()):
            for column in listed[0, 0, row, :count].tolist():
                tile = (slice(row * BLOCK, (row + 1) * BLOCK), slice(column * BLOCK, (column + 1) * BLOCK))
                assert not allowed[tile].any(), "a block is listed twice"
                allowed[tile] = True if whole else exact[tile]
    return allowed


def test_both_masks_follow_the_rule() -> None:
    packed = laid()
    expected = rule(packed)
    used = packed.used
    assert torch.equal(from_blocks(packed), expected)
    assert torch.equal(from_samples(packed)[:used, :used], expected[:used, :used])
    assert not expected[used:, :used].any()
    assert blocks(packed)[1].any(), "no block is full, so the test does not cover full blocks"


def test_a_wrong_mask_is_detected() -> None:
    packed = laid()
    leaking = replace(packed, branches=packed.branches.clone())
    leaking.branches[150] = 0
    assert not torch.equal(from_blocks(leaking), rule(packed))


def test_sample_masks_attend_by_the_rule() -> None:
    packed = laid()
    queries, keys, values = (torch.randn(heads, packed.length, 8) for heads in (4, 2, 2))
    expected = torch.nn.functional.scaled_dot_product_attention(
        queries, keys.repeat_interleave(2, 0), values.repeat_interleave(2, 0), attn_mask=rule(packed)
    )
    masks = SampleMasks(packed, torch.Tensor.cpu)
    used = packed.used
    assert torch.allclose(masks(queries, keys, values)[:, :used], expected[:, :used], atol=1e-5)
    assert torch.allclose(
        masks.answers(queries[:, packed.answers], keys, values), expected[:, packed.answers], atol=1e-5
    )


def test_a_length_without_blocks_is_refused() -> None:
    with pytest.raises(ValueError, match="100 positions"):
        attention.BlockMasks(100, "cpu")

"""The GPU's path on a CPU: block masks and sample masks give equal answers, and the warm-up compiles everything."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
import torch._dynamo.testing
from torch._inductor.heuristics.template.triton import CUDAConfigHeuristic

from sidecar.attention import BLOCK
from sidecar.images import Pixels
from sidecar.model import Model, tiles
from sidecar.packing import Pack, expand, pack, tree
from sidecar.tests.conftest import Truth

LENGTHS = (1152, 2176)
HEAD = 128
"""The size of a head of the released models."""


@pytest.fixture(autouse=True)
def no_compiled_code() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def laid(truth: Truth, model: Model, which: tuple[int, ...]) -> tuple[Pack, list[Pixels]]:
    samples = [truth.samples[k] for k in which]
    trees = []
    for sample in samples:
        texts = sample.item.prompts(query for query in sample.item.queries if query.choices)
        trees.append(tree([expand(prompt, model.features_per_image) for prompt in truth.tokens.prompts(texts)]))
    packed = pack(trees, [1] * len(trees), model.features_per_image, model.lengths)
    return packed, [pixels for sample in samples for pixels in sample.pixels]


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_block_masks_give_the_same_answers(own_truth: Truth) -> None:
    plain, flex = own_truth.model(), own_truth.model(flex=True, lengths=LENGTHS)
    packed, pixels = laid(own_truth, flex, (0, 2))
    assert packed.length == 2176 > packed.used
    one = plain.prefill(packed, plain.features(pixels), keep=True)
    other = flex.prefill(packed, flex.features(pixels), keep=True)
    assert torch.allclose(one.logits, other.logits, atol=1e-4)
    # The values at padding positions may differ.
    for (keys, values), (flex_keys, flex_values) in zip(one.cache, other.cache, strict=True):
        assert torch.allclose(keys[:, : packed.used], flex_keys[:, : packed.used], atol=1e-4)
        assert torch.allclose(values[:, : packed.used], flex_values[:, : packed.used], atol=1e-4)


@pytest.mark.parametrize("tile", [tiles((9, 0)), tiles((8, 9))], ids=["H100", "L4"])
def test_nothing_is_compiled_after_the_warm_up(own_truth: Truth, tile: dict[str, int] | None) -> None:
    counter = torch._dynamo.testing.CompileCounter()
    model = own_truth.model(flex=True, compiled=counter, lengths=LENGTHS)
    model.tile = tile
    for k, which in enumerate(((0,), (0, 1))):
        packed, pixels = laid(own_truth, model, which)
        assert packed.length == LENGTHS[k]
        for _ in range(2):
            model.prefill(packed, model.features(pixels))
            assert counter.frame_count == k + 1, "exactly one graph for each length, shared by all layers and packs"
    warm = counter.frame_count
    with torch.compiler.set_stance("fail_on_recompile"):
        for which in ((1,), (2, 0)):
            packed, pixels = laid(own_truth, model, which)
            logits = model.prefill(packed, model.features(pixels), keep=True).logits
            expected = torch.cat([own_truth.samples[k].digits for k in which])
            assert torch.allclose(logits[:, own_truth.digits], expected, atol=1e-3)
    assert counter.frame_count == warm


def test_another_model_of_the_same_shape_is_not_compiled_again(own_truth: Truth) -> None:
    """The code that is compiled for the scorer is used for the styler, too."""
    counter = torch._dynamo.testing.CompileCounter()
    for _ in range(2):
        model = own_truth.model(flex=True, compiled=counter, lengths=LENGTHS[:1])
        packed, pixels = laid(own_truth, model, (0,))
        model.prefill(packed, model.features(pixels))
    assert counter.frame_count == 1


@pytest.mark.parametrize(
    ("capability", "small", "kib"),
    [((8, 0), 0, 163), ((8, 6), 1, 99), ((8, 9), 1, 99), ((9, 0), 0, 227), ((10, 0), 0, 227), ((12, 0), 0, 99)],
)
def test_tiles_fit_into_the_shared_memory_of_each_card(
    capability: tuple[int, int], small: int, kib: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`kib` is the most shared memory of a block of threads, from NVIDIA's table of compute capabilities."""
    tile = tiles(capability)
    assert bool(tile) == bool(small)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: capability)
    # What torch chooses for a head of the released models: a tile of queries, and stages of keys and values, in fp16.
    (choice,) = CUDAConfigHeuristic().get_flex_attn_fwd_configs(HEAD, LENGTHS[0], torch.float16)
    queries, keys, stages = choice.block_m, choice.block_n, choice.num_stages
    if tile:
        queries, keys, stages = tile["BLOCK_M"], tile["BLOCK_N"], tile["num_stages"]
    assert 2 * HEAD * (queries + 2 * stages * keys) <= kib << 10
    # Tiles must divide the blocks of the masks.
    assert not tile or (BLOCK % tile["BLOCK_M"] == 0 and BLOCK % tile["BLOCK_N"] == 0)

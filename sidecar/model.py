"""Forward passes of one model, with the modules of transformers' LLaVA-OneVision classes.

This module calls the parts of the decoder's layers, not their `forward`, for two reasons: a pack needs its own
attention masks, and the last layer, the norm and the head are computed only at the positions of answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention.flex_attention import BlockMask, flex_attention
from torch.nn.functional import linear
from torch.nn.functional import scaled_dot_product_attention as sdpa
from transformers import LlavaOnevisionForConditionalGeneration
from transformers.models.qwen2.modeling_qwen2 import apply_rotary_pos_emb

from sidecar.attention import BlockMasks, SampleMasks
from sidecar.graphs import Replayed, Step, capture
from sidecar.images import LEVELS, Pixels
from sidecar.packing import Pack

KERNEL = "packed-1"
"""A part of each model's id. Raise its number when a change of this code can change an answer."""
IMAGE_BATCH = 16


@dataclass(frozen=True)
class PrefillResult:
    """The result of a pass over a pack: the float32 logits of its answers, and the keys and values of each layer, each
    (key heads, length, size). `cache` is empty unless `prefill` was called with `keep`."""

    logits: Tensor
    cache: tuple[tuple[Tensor, Tensor], ...]


Rope = tuple[Tensor, Tensor]


def project(layer: nn.Module, hidden: Tensor, rope: Rope) -> tuple[Tensor, Tensor, Tensor]:
    """Returns queries, keys and values of positions. `hidden` is (n, width); the results are (1, heads, n, size)."""
    attention = layer.self_attn
    normed = layer.input_layernorm(hidden)
    # All tensors have four dimensions from the start: FlexAttention's kernels accept no view that adds a dimension.
    shape = (1, len(hidden), -1, attention.head_dim)
    projections = (attention.q_proj, attention.k_proj, attention.v_proj)
    queries, keys, values = (projection(normed).view(shape).transpose(1, 2) for projection in projections)
    queries, keys = apply_rotary_pos_emb(queries, keys, *rope)
    return queries, keys, values


def finish(layer: nn.Module, hidden: Tensor, attended: Tensor) -> Tensor:
    """Computes the rest of a layer after its attention; `attended` is (heads, n, size)."""
    hidden = hidden + layer.self_attn.o_proj(attended.transpose(0, 1).reshape(len(hidden), -1))
    return hidden + layer.mlp(layer.post_attention_layernorm(hidden))


def tiles(capability: tuple[int, int]) -> dict[str, int] | None:
    """Returns FlexAttention's tile sizes for a GPU's compute capability; None if torch chooses the sizes.

    Torch's choice needs 131 KB of shared memory, but some GPUs (A10, RTX 30, L4, L40S, RTX 40) have only 101 KB. The
    RTX PRO 6000 (12.0) has 101 KB, too, but torch has another choice for it, which needs 98 KB.
    """
    return {"BLOCK_M": 64, "BLOCK_N": 64, "num_stages": 2} if capability in ((8, 6), (8, 9)) else None


def flex_layer(
    layer: nn.Module, hidden: Tensor, rope: Rope, mask: BlockMask, tile: dict[str, int] | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Computes a layer over a pack under a block mask. Returns the hidden states, the keys and the values."""
    queries, keys, values = project(layer, hidden, rope)
    attended = flex_attention(queries, keys, values, block_mask=mask, enable_gqa=True, kernel_options=tile)
    return finish(layer, hidden, attended[0]), keys[0], values[0]


class Model:
    """A loaded network and its passes.

    With `flex` it uses FlexAttention and block masks. Each pack must then have one of `lengths`. With `graphs` it
    records decoding steps and replays them.
    """

    def __init__(
        self,
        network: LlavaOnevisionForConditionalGeneration,
        *,
        flex: bool,
        compiled: str | None,
        lengths: Sequence[int] = (),
        graphs: bool = False,
    ) -> None:
        self.network = network
        inner = network.model
        self._tower, self._projector, self._newline = (
            inner.vision_tower,
            inner.multi_modal_projector,
            inner.image_newline,
        )
        self._language = inner.language_model
        self._head = network.lm_head
        self.device = self._newline.device
        self.dtype = self._newline.dtype
        self._levels = torch.from_numpy(LEVELS).to(self.device)
        self._flex = flex
        self._graphs = graphs
        self.capture = capture
        self.tile = tiles(torch.cuda.get_device_capability(self.device)) if self.device.type == "cuda" else None
        self.set_lengths(lengths)
        self._layer = (
            torch.compile(flex_layer, dynamic=False, fullgraph=True, backend=compiled) if compiled else flex_layer
        )

    def set_lengths(self, lengths: Sequence[int]) -> None:
        """Sets the lengths that packs are padded to, ascending."""
        self.lengths = tuple(lengths)
        self._masks = {n: BlockMasks(n, self.device) for n in lengths} if self._flex else {}

    @property
    def fast_paths(self) -> tuple[str, ...]:
        """The fast paths that are in use. The slow path computes the same answers in another way."""
        return (*(("flex",) if self._flex else ()), *(("graphs",) if self._graphs else ()))

    @contextmanager
    def without(self, *paths: str) -> Iterator[None]:
        """Uses the slow path in place of these fast paths during a with statement."""
        before = self._flex, self._graphs, self.lengths
        for path in paths:
            self.disable(path)
        try:
            yield
        finally:
            self._flex, self._graphs, self.lengths = before

    def disable(self, path: str) -> None:
        """Uses the slow path in place of a fast path from now on."""
        if path not in self.fast_paths:
            raise ValueError(f"the fast path {path} is not in use; in use: {', '.join(self.fast_paths)}")
        if path == "flex":
            self._flex, self.lengths = False, ()
        else:
            self._graphs = False

    @property
    def features_per_image(self) -> int:
        """Rows of features of one image: its patches and a newline."""
        return self._tower.embeddings.num_positions + 1

    @property
    def cache_bytes(self) -> int:
        """Bytes of the keys and values of one position."""
        config = self._language.config
        size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        return 2 * config.num_hidden_layers * config.num_key_value_heads * size * self.dtype.itemsize

    @property
    def pass_bytes(self) -> int:
        """Estimated bytes of one position of a pass: of its activations and of its keys and values."""
        config = self._language.config
        activations = self.dtype.itemsize * (3 * config.intermediate_size + 8 * config.hidden_size)
        # About one position in fifty is an answer. Its logits are held in float32.
        return activations + self.cache_bytes + 4 * config.vocab_size // 50

    def send(self, tensor: Tensor) -> Tensor:
        """Copies a tensor from the host to the device. For a GPU, it copies from pinned memory: the host does not
        wait."""
        if self.device.type != "cuda":
            return tensor.to(self.device)
        return tensor.pin_memory().to(self.device, non_blocking=True)

    @torch.no_grad()
    def features(self, images: Sequence[Pixels]) -> Tensor:
        """Returns the features of images, (images x features_per_image, width).

        The vision tower, without its final norm, and then the projector compute the features of patches. After the
        patches of each image comes the feature of a newline.
        """
        if not images:
            return self._newline.new_empty(0, len(self._newline))
        parts = []
        for begin in range(0, len(images), IMAGE_BATCH):
            pixels = self.send(torch.from_numpy(np.stack(images[begin : begin + IMAGE_BATCH])))
            levels = self._levels[pixels.int()].permute(0, 3, 1, 2).to(self.dtype)
            patches = self._tower.encoder(self._tower.embeddings(levels)).last_hidden_state
            projected = self._projector(patches)
            newline = self._newline.expand(len(projected), 1, -1)
            parts.append(torch.cat([projected, newline], dim=1).flatten(0, 1))
        return torch.cat(parts)

    @torch.no_grad()
    def prefill(self, packed: Pack, features: Tensor, keep: bool = False) -> PrefillResult:
        """Computes one pass over a pack. With `keep`, the result has the keys and values, which decoding needs."""
        hidden = self._embed(packed.ids, features)
        rope = self._rope(self.send(packed.positions), hidden)
        attend = SampleMasks(packed, self.send)
        mask = self._masks[packed.length].mask(packed, self.send) if self._flex else None
        cache: list[tuple[Tensor, Tensor]] = []
        *layers, last = self._language.layers
        for layer in layers:
            if mask is not None:
                hidden, keys, values = self._layer(layer, hidden, rope, mask, self.tile)
            else:
                queries, keys, values = (part[0] for part in project(layer, hidden, rope))
                hidden = finish(layer, hidden, attend(queries, keys, values))
            if keep:
                cache.append((keys, values))
        answers = self.send(torch.tensor(packed.answers))
        hidden, keys, values = self._last(last, hidden, rope, answers, attend)
        if keep:
            cache.append((keys, values))
        return PrefillResult(self._logits(hidden), tuple(cache))

    def stepper(self, cache: Sequence[tuple[Tensor, Tensor]]) -> Step:
        """Returns a function that computes decoding steps over a cache. The cache must keep its memory address."""

        def step(tokens: Tensor, positions: Tensor) -> Tensor:
            return self.step(tokens, positions, cache)

        return Replayed(step, self.capture) if self._graphs else step

    @torch.no_grad()
    def step(self, tokens: Tensor, positions: Tensor, cache: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """Returns the logits after one more token of each row.

        The keys and values of the tokens are written at `positions` of the cache. The cache has two tensors (rows, key
        heads, room, size) for each layer.
        """
        hidden = self._language.embed_tokens(tokens)
        rope = self._rope(positions, hidden)
        count, room = len(tokens), cache[0][0].shape[2]
        each = torch.arange(count, device=self.device)
        mask = (torch.arange(room, device=self.device) <= positions[:, None])[:, None, None]
        for layer, (kept_keys, kept_values) in zip(self._language.layers, cache, strict=True):
            queries, keys, values = (part[0] for part in project(layer, hidden, rope))
            kept_keys[each, :, positions] = keys.transpose(0, 1)
            kept_values[each, :, positions] = values.transpose(0, 1)
            heads, size = kept_keys.shape[1], kept_keys.shape[3]
            # Query heads that share a key head are stacked as rows, so keys are not copied.
            grouped = queries.transpose(0, 1).reshape(count, heads, -1, size)
            attended = sdpa(grouped, kept_keys, kept_values, attn_mask=mask.expand(-1, heads, grouped.shape[2], -1))
            hidden = finish(layer, hidden, attended.reshape(count, -1, size).transpose(0, 1))
        return self._logits(hidden)

    def _embed(self, ids: Tensor, features: Tensor) -> Tensor:
        """Returns the embeddings of the ids of a pack. The ids are on the host, so searching them does not wait for the
        device."""
        hidden = self._language.embed_tokens(self.send(ids.clamp(min=0)))
        places = torch.nonzero(ids < 0)[:, 0]
        if len(places):
            hidden[self.send(places)] = features[self.send(-1 - ids[places])]
        return hidden

    def _rope(self, positions: Tensor, hidden: Tensor) -> Rope:
        cosines, sines = self._language.rotary_emb(hidden, positions[None])
        return cosines, sines

    def _last(
        self, layer: nn.Module, hidden: Tensor, rope: Rope, answers: Tensor, attend: SampleMasks
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Computes the last layer: keys and values at every position, everything else only at the answers."""
        attention = layer.self_attn
        normed = layer.input_layernorm(hidden)
        shape = (len(hidden), -1, attention.head_dim)
        queries = attention.q_proj(normed[answers]).view(len(answers), -1, attention.head_dim).transpose(0, 1)
        keys = attention.k_proj(normed).view(shape).transpose(0, 1)
        values = attention.v_proj(normed).view(shape).transpose(0, 1)
        cosines, sines = rope
        queries, _ = apply_rotary_pos_emb(queries, queries, cosines[0, answers], sines[0, answers], unsqueeze_dim=0)
        _, keys = apply_rotary_pos_emb(keys, keys, cosines[0], sines[0], unsqueeze_dim=0)
        return finish(layer, hidden[answers], attend.answers(queries, keys, values)), keys, values

    def _logits(self, hidden: Tensor) -> Tensor:
        normed = self._language.norm(hidden)
        # The sums stay in float32: in half precision, logits of about 20 that differ by less than 0.1 may become equal.
        if self.device.type == "cuda" and self.dtype != torch.float32:
            return torch.mm(normed, self._head.weight.t(), out_dtype=torch.float32)
        return linear(normed.float(), self._head.weight.float())

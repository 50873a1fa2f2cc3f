"""Counts the positions and the operations of matrix products of each way of answering.

The operations of attention scores and of the embedding are not counted: they are about 2 % of the total.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from torch import nn
from transformers import LlavaOnevisionForConditionalGeneration

from sidecar.packing import expand, tree
from sidecar.protocol import Item
from sidecar.tokens import Tokens

RATING_TOKENS = 2
"""Tokens that the reference code generates for a rating: the digit and the end of sequence."""
BLOCK = 16
"""Tokens of a block in the cache of a prefix-caching engine (vLLM). A prefix is shared in whole blocks."""
PEAKS = (("H100 PCIe", 756), ("H100 NVL", 835), ("H100", 989), ("H200", 989), ("A100", 312), ("L40S", 362), ("L4", 121))
"""Dense half-precision peaks in TFLOP/s. The first entry whose name is a part of a GPU's name applies to the GPU."""


def peak(card: str) -> float | None:
    """Returns the dense peak of a GPU in operations a second; None if PEAKS does not list the GPU."""
    return next((rate * 1e12 for name, rate in PEAKS if re.search(rf"\b{name}\b", card)), None)


@dataclass(frozen=True)
class Work:
    """The positions that some work computes, without padding."""

    patches: int
    """Patches of images."""
    prompt: int
    """Tokens of prompts, features of images included."""
    decoded: int
    """Generated tokens that were the input of another decoding step."""
    answers: int
    """Prompts whose answer was read."""


def operations(network: LlavaOnevisionForConditionalGeneration, work: Work) -> float:
    """Returns the least number of operations for some work: without padding, and with the last layer and the head only
    at the positions of answers."""
    inner = network.model
    *layers, last = inner.language_model.layers
    keys = weights(last.self_attn.k_proj) + weights(last.self_attn.v_proj)
    head = weights(network.lm_head)
    tower = weights(inner.vision_tower.encoder) + weights(inner.multi_modal_projector)
    prompt = work.prompt * (weights(nn.ModuleList(layers)) + keys)
    read = work.answers * (weights(last) - keys + head)
    decoded = work.decoded * (weights(inner.language_model.layers) + head)
    return 2.0 * (work.patches * tower + prompt + read + decoded)


def reference(items: Iterable[Item], tokens: Tokens, features: int, style_tokens: int) -> Work:
    """Counts the work of the reference code: every prompt has its own passes, and its image is encoded for each prompt.

    It assumes that no text ends before `style_tokens`.
    """
    total = Work(0, 0, 0, 0)
    for item in items:
        for query, prompt in zip(item.queries, tokens.prompts(item.prompts(item.queries)), strict=True):
            made = RATING_TOKENS if query.choices else style_tokens
            patches = len(item.images) * (features - 1)
            total = _sum(total, Work(patches, len(expand(prompt, features)), made - 1, 1))
    return total


def prefix_caching(items: Iterable[Item], tokens: Tokens, features: int, style_tokens: int) -> Work:
    """Counts the least work of a prefix-caching engine.

    Each prompt is a request, and each model encodes an image once. The common prefix is cached in whole blocks, and is
    never evicted. A rating is read from the pass of its prompt.
    """
    total = Work(0, 0, 0, 0)
    for item in items:
        queries = sorted(item.queries, key=lambda query: query.model)
        for _, group in groupby(queries, key=lambda query: query.model):
            asked = list(group)
            ids = [expand(prompt, features) for prompt in tokens.prompts(item.prompts(asked))]
            cached = len(tree(ids).prefix) // BLOCK * BLOCK
            computed = sum(map(len, ids)) - cached * (len(ids) - 1)
            decoded = sum(style_tokens - 1 for query in asked if not query.choices)
            total = _sum(total, Work(len(item.images) * (features - 1), computed, decoded, len(ids)))
    return total


def weights(module: nn.Module) -> int:
    """Returns the number of elements in the matrices of a module."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.dim() > 1)


def tower_share(network: LlavaOnevisionForConditionalGeneration, positions: int) -> float:
    """Returns the vision tower's share of the multiplications that the reference code needs for one prompt."""
    rows = network.model.vision_tower.embeddings.num_positions
    tower = rows * weights(network.model.vision_tower.encoder)
    projector = rows * weights(network.model.multi_modal_projector)
    return tower / (tower + projector + positions * weights(network.model.language_model.layers))


def answers(items: Sequence[Item]) -> int:
    """Returns the number of prompts of the items. Each prompt has one answer."""
    return sum(len(item.queries) for item in items)


def _sum(one: Work, other: Work) -> Work:
    return Work(
        one.patches + other.patches,
        one.prompt + other.prompt,
        one.decoded + other.decoded,
        one.answers + other.answers,
    )

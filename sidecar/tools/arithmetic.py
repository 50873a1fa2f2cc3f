"""How much each way of answering computes: positions, and operations of matrix products.

Attention's scores and the embedding are left out of the operations: they are some 2 % of them.
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
"""What the reference generates for a rating: the digit and the end of sequence."""
BLOCK = 16
"""Tokens of a block in the cache of a prefix-caching engine (vLLM's): a prefix is shared in whole blocks."""
PEAKS = (("H100 PCIe", 756), ("H100 NVL", 835), ("H100", 989), ("H200", 989), ("A100", 312), ("L40S", 362), ("L4", 121))
"""Dense half-precision peaks in TFLOP/s; the first name that a card's name holds counts."""


def peak(card: str) -> float | None:
    """Operations a second of a card's dense peak, or None where it is not known here."""
    return next((rate * 1e12 for name, rate in PEAKS if re.search(rf"\b{name}\b", card)), None)


@dataclass(frozen=True)
class Work:
    """Positions that hold something: images' patches, tokens of prompts, generated tokens that were computed further,
    and prompts of which an answer was read."""

    patches: int
    prompt: int
    decoded: int
    answers: int


def operations(network: LlavaOnevisionForConditionalGeneration, work: Work) -> float:
    """What a way must at least compute: the last layer and the head only where an answer is read, no padding."""
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
    """The reference's way: every prompt alone, each encoding its image again; no text ends before its limit."""
    total = Work(0, 0, 0, 0)
    for item in items:
        for query, prompt in zip(item.queries, tokens.prompts(item.prompts(item.queries)), strict=True):
            made = RATING_TOKENS if query.choices else style_tokens
            patches = len(item.images) * (features - 1)
            total = _sum(total, Work(patches, len(expand(prompt, features)), made - 1, 1))
    return total


def prefix_caching(items: Iterable[Item], tokens: Tokens, features: int, style_tokens: int) -> Work:
    """A prefix-caching engine at its best: a request for each prompt, an image encoded once a model, the common prefix
    cached in whole blocks and never evicted, and a rating read from its prompt's own pass.
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
    """Numbers in the matrices of a module."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.dim() > 1)


def tower_share(network: LlavaOnevisionForConditionalGeneration, positions: int) -> float:
    """The tower's share of the multiplications of one prompt of the reference's way."""
    rows = network.model.vision_tower.embeddings.num_positions
    tower = rows * weights(network.model.vision_tower.encoder)
    projector = rows * weights(network.model.multi_modal_projector)
    return tower / (tower + projector + positions * weights(network.model.language_model.layers))


def answers(items: Sequence[Item]) -> int:
    """Prompts of the items: each gives one answer."""
    return sum(len(item.queries) for item in items)


def _sum(one: Work, other: Work) -> Work:
    return Work(
        one.patches + other.patches,
        one.prompt + other.prompt,
        one.decoded + other.decoded,
        one.answers + other.answers,
    )

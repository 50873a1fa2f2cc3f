"""Weights in fp8: dynamic W8A8 by torchao, a scale per row of a weight and per token.

Only the decoder's projections are; the tower, the projector, the embeddings, the norms and the head keep their type.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

STORED = "F8_E4M3"
"""How safetensors calls the type."""
TYPE = torch.float8_e4m3fn
SECTION = "quantization_config"
METHOD = {"quant_method": "torchao-fp8-w8a8-dynamic", "weight": "e4m3 per row", "activation": "e4m3 per token"}
_PROJECTION = re.compile(r"model\.layers\.\d+\.(self_attn\.[qkvo]_proj|mlp\.(gate|up|down)_proj)\.weight")


def is_projection(name: str) -> bool:
    """Whether a released name is of a weight that is quantised."""
    return _PROJECTION.fullmatch(name) is not None


def scale_name(name: str) -> str:
    """Name of the scales, (rows, 1) in float32, that belong to a weight."""
    return f"{name}_scale"


def weights(config: Mapping[str, Any], names: Iterable[str]) -> frozenset[str]:
    """Which weights a checkpoint with this config.json holds in fp8."""
    section = config.get(SECTION)
    if section is None:
        return frozenset()
    if section != METHOD:
        raise ValueError(
            f"config.json: {SECTION} is {section!r}, and only what sidecar.tools.quantize writes is known: {METHOD!r}"
        )
    return frozenset(filter(is_projection, names))


def quantise(weight: Tensor) -> tuple[Tensor, Tensor]:
    """A weight in fp8 and its scales, rounded by torchao."""
    from torchao.quantization import PerRow
    from torchao.quantization.quantize_.workflows import Float8Tensor

    # From float32: a bfloat16 or fp16 quotient would be rounded twice.
    made = Float8Tensor.from_hp(weight.float(), float8_dtype=TYPE, granularity=PerRow())
    return made.qdata, made.scale


def weight(stored: Tensor, scale: Tensor, dtype: torch.dtype) -> Tensor:
    """A weight that linear layers multiply in fp8, activations of `dtype` being quantised on the way."""
    from torchao.float8.inference import Float8MMConfig
    from torchao.quantization import PerRow
    from torchao.quantization.quantize_.common import KernelPreference
    from torchao.quantization.quantize_.workflows import Float8Tensor, QuantizeTensorToFloat8Kwargs

    torch_kernels = KernelPreference.TORCH
    return Float8Tensor(
        stored,
        scale,
        block_size=[1, stored.shape[1]],
        mm_config=Float8MMConfig(use_fast_accum=True),
        act_quant_kwargs=QuantizeTensorToFloat8Kwargs(TYPE, PerRow(), kernel_preference=torch_kernels),
        kernel_preference=torch_kernels,
        dtype=dtype,
    )

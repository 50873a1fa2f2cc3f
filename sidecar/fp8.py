"""Converts weights to fp8, for torchao's dynamic W8A8: there is a scale for each row of a weight and for each token.

Only the decoder's projections are quantised. The vision tower, the projector, the embeddings, the norms and the head
keep their type.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

STORED = "F8_E4M3"
"""The name of the type in safetensors files."""
TYPE = torch.float8_e4m3fn
SECTION = "quantization_config"
METHOD = {"quant_method": "torchao-fp8-w8a8-dynamic", "weight": "e4m3 per row", "activation": "e4m3 per token"}
_PROJECTION = re.compile(r"model\.layers\.\d+\.(self_attn\.[qkvo]_proj|mlp\.(gate|up|down)_proj)\.weight")


def is_projection(name: str) -> bool:
    """Returns whether the tensor with this released name is a weight that is quantised."""
    return _PROJECTION.fullmatch(name) is not None


def scale_name(name: str) -> str:
    """Returns the name of a weight's scales, which have the shape (rows, 1) and the type float32."""
    return f"{name}_scale"


def weights(config: Mapping[str, Any], names: Iterable[str]) -> frozenset[str]:
    """Returns the names of the weights that a checkpoint with this config.json stores in fp8."""
    section = config.get(SECTION)
    if section is None:
        return frozenset()
    if section != METHOD:
        raise ValueError(
            f"config.json: {SECTION} is {section!r}, but must be the value of sidecar.tools.quantize: {METHOD!r}"
        )
    return frozenset(filter(is_projection, names))


def quantise(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Returns a weight in fp8 and its scales, as torchao rounds them."""
    from torchao.quantization import PerRow
    from torchao.quantization.quantize_.workflows import Float8Tensor

    # The weight is converted to float32 first: a quotient in bfloat16 or fp16 would be rounded twice.
    made = Float8Tensor.from_hp(weight.float(), float8_dtype=TYPE, granularity=PerRow())
    return made.qdata, made.scale


def weight(stored: Tensor, scale: Tensor, dtype: torch.dtype) -> Tensor:
    """Returns a weight that linear layers multiply in fp8. The layers quantise their activations, of type `dtype`."""
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

"""The configuration of an engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sidecar.observer import Observer
from sidecar.protocol import Limits

Device = Literal["auto", "cpu", "cuda"]
Dtype = Literal["fp16", "bf16", "fp32"]
Fast = Literal["prove", "off"]


@dataclass(frozen=True)
class EngineConfig:
    """The models, the device and the memory of an engine. Of `limits`, the engine enforces only `pixels` and `tokens`.

    Raises ValueError if the longest prompt does not fit into a pack.
    """

    directories: Mapping[str, Path]
    """Directory of each model, in the released form or in the fp8 form of `sidecar.tools.quantize`."""
    device: Device = "auto"
    dtype: Dtype = "fp16"
    pack_tokens: int | None = None
    """The most positions of one pass. This bounds the memory of activations. None: chosen from the device's free
    memory."""
    kv_bytes: int | None = None
    """The most bytes of keys and values of rows in decoding. None: chosen from the device's free memory."""
    fast: Fast = "prove"
    """`prove`: a fast path is used if it passes its check after loading. `off`: no fast path is used."""
    threads: int = 4
    """Threads that decode and resize images."""
    kernels: Path | None = None
    """Folder that keeps compiled kernels for the next start. None: only torch's own cache keeps them."""
    limits: Limits = field(default_factory=Limits)
    observer: Observer = field(default_factory=Observer)

    def __post_init__(self) -> None:
        if self.pack_tokens is not None and self.limits.tokens > self.pack_tokens:
            raise ValueError(
                f"a prompt may have {self.limits.tokens} tokens, but a pack has only {self.pack_tokens}:"
                " allow longer packs or shorter prompts"
            )

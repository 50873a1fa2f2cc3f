"""What an engine is loaded with."""

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
    """Models, device and memory of an engine, and the limits that it applies: `pixels` and `tokens`.

    Raises ValueError where the longest prompt fits no pack.
    """

    directories: Mapping[str, Path]
    """Directory of each model, in the released form or as `sidecar.tools.quantize` writes it."""
    device: Device = "auto"
    dtype: Dtype = "fp16"
    pack_tokens: int | None = None
    """Positions of one pass at most, which bounds the activations' memory; None: as the device's memory allows."""
    kv_bytes: int | None = None
    """Bytes of keys and values held for the rows that are being decoded; None: as the device's memory allows."""
    fast: Fast = "prove"
    """Whether a fast path is taken where it proves itself after loading, or never."""
    threads: int = 4
    """Threads that decode and resize images."""
    kernels: Path | None = None
    """Folder that keeps compiled kernels for the next start; None: they are kept where torch keeps them."""
    limits: Limits = field(default_factory=Limits)
    observer: Observer = field(default_factory=Observer)

    def __post_init__(self) -> None:
        if self.pack_tokens is not None and self.limits.tokens > self.pack_tokens:
            raise ValueError(
                f"a prompt may have {self.limits.tokens} tokens and a pack {self.pack_tokens}:"
                " allow longer packs or shorter prompts"
            )

"""Loads an engine with the settings of the service."""

from __future__ import annotations

from sidecar.config import EngineConfig
from sidecar.service.metrics import Metrics
from sidecar.service.settings import Settings
from sidecar.service.worker import Engine


def open_engine(settings: Settings, metrics: Metrics) -> Engine:
    """Loads the models. Raises the errors of `sidecar.engine.Engine.load`."""
    # This imports torch, which takes seconds. The port is open already, so the service answers its probes meanwhile.
    from sidecar import engine

    loaded = engine.Engine.load(
        EngineConfig(
            directories=settings.directories,
            device=settings.device,
            dtype=settings.dtype,
            pack_tokens=settings.pack_tokens,
            kv_bytes=settings.kv_bytes,
            fast=settings.fast,
            kernels=settings.kernels,
            threads=settings.threads,
            limits=settings.limits,
            observer=metrics,
        )
    )
    metrics.watch_memory(gpu_memory)
    return loaded


def gpu_memory() -> dict[str, int]:
    """Returns the bytes of the current GPU's memory, by kind; empty on a machine without a GPU."""
    import torch

    if not torch.cuda.is_available():
        return {}
    free, total = torch.cuda.mem_get_info()
    return {
        "allocated": torch.cuda.memory_allocated(),
        "reserved": torch.cuda.memory_reserved(),
        "peak": torch.cuda.max_memory_allocated(),
        "free": free,
        "total": total,
    }

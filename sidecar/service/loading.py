"""From the service's settings to a loaded engine."""

from __future__ import annotations

from sidecar.config import EngineConfig
from sidecar.service.metrics import Metrics
from sidecar.service.settings import Settings
from sidecar.service.worker import Engine


def open_engine(settings: Settings, metrics: Metrics) -> Engine:
    """Load the models; raises what `sidecar.engine.Engine.load` raises."""
    # Torch is imported with it, after the port is open: the service answers its probes while that takes seconds.
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
    """Bytes of the current GPU's memory, by kind; nothing on a machine without one."""
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

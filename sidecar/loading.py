"""From the service's settings to a loaded engine."""

from __future__ import annotations

from sidecar.config import Settings
from sidecar.engine import Engine, EngineConfig
from sidecar.metrics import Metrics


def open_engine(settings: Settings, metrics: Metrics) -> Engine:
    """Load the models; raises what `Engine.load` raises. Torch is imported here, after the port is open."""
    engine = Engine.load(
        EngineConfig(
            directories=settings.directories,
            device=settings.device,
            dtype=settings.dtype,
            pack_tokens=settings.pack_tokens,
            prompt_tokens=settings.max_tokens,
            pixels=settings.max_pixels,
            kv_bytes=settings.kv_bytes,
            threads=settings.threads,
            observer=metrics,
        )
    )
    metrics.watch_memory(gpu_memory)
    return engine


def gpu_memory() -> dict[str, int]:
    """Bytes of the current GPU's memory; nothing on a machine without one."""
    import torch  # the service answers its probes while this takes seconds

    if not (torch.cuda.is_available()):
        return {}
    free, total = torch.cuda.mem_get_info()
    return {
        "allocated": torch.cuda.memory_allocated(),
        "reserved": torch.cuda.memory_reserved(),
        "peak": torch.cuda.max_memory_allocated(),
        "free": free,
        "total": total,
    }

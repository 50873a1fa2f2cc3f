"""How a device says that its memory ran out. Without torch: the service asks before torch is imported."""

from __future__ import annotations

_PHRASES = ("CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED", "CUDA error: out of memory")
"""What libraries that allocate for themselves say in a plain RuntimeError."""


def out_of_memory(error: BaseException) -> bool:
    """Whether an error means that a smaller piece of work may fit."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return "OutOfMemoryError" in names or any(phrase in str(error) for phrase in _PHRASES)

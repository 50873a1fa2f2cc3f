"""How a device says that its memory ran out, or that it is lost.

Without torch: the service asks before torch is imported.
"""

from __future__ import annotations

_PHRASES = ("CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED", "CUDA error: out of memory")
"""What libraries that allocate for themselves say in a plain RuntimeError."""


def out_of_memory(error: BaseException) -> bool:
    """Whether an error means that a smaller piece of work may fit."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return "OutOfMemoryError" in names or any(phrase in str(error) for phrase in _PHRASES)


def device_lost(error: BaseException) -> bool:
    """Whether an error leaves the CUDA context unusable: after an illegal access every later call fails too.

    Running out of memory does not, and the engine splits the pack for it.
    """
    # What may not be recorded into a graph is refused, and nothing has happened to the device.
    if out_of_memory(error) or "captur" in str(error):
        return False
    names = {kind.__name__ for kind in type(error).__mro__}
    return "AcceleratorError" in names or "CUDA error" in str(error)

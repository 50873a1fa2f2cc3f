"""Recognises errors that mean that the device's memory ran out, or that the device is lost.

This module does not import torch, because the service uses it before torch is imported.
"""

from __future__ import annotations

_PHRASES = ("CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED", "CUDA error: out of memory")
"""Texts of a RuntimeError from libraries that have their own allocator."""


def out_of_memory(error: BaseException) -> bool:
    """Returns whether an error means that the device's memory ran out, so a smaller piece of work may fit."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return "OutOfMemoryError" in names or any(phrase in str(error) for phrase in _PHRASES)


def device_lost(error: BaseException) -> bool:
    """Returns whether an error makes the CUDA context unusable. After an illegal access, for example, all calls fail.

    After an out-of-memory error, the context is still usable: the engine halves the pack and tries again.
    """
    # An operation that cannot be captured into a CUDA graph raises an error, but the device stays usable.
    if out_of_memory(error) or "captur" in str(error):
        return False
    names = {kind.__name__ for kind in type(error).__mro__}
    return "AcceleratorError" in names or "CUDA error" in str(error)

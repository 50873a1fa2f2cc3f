"""Some errors of a device mean that it is lost; others do not."""

from __future__ import annotations

import pytest

from sidecar.memory import device_lost, out_of_memory


class OutOfMemoryError(RuntimeError):
    """Has the same name as the error of torch."""


class AcceleratorError(RuntimeError):
    """Has the same name as the error of torch."""


@pytest.mark.parametrize(
    ("error", "memory", "lost"),
    [
        (OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True, False),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True, False),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True, False),
        (RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasGemmEx`"), False, True),
        (AcceleratorError("CUDA error: an illegal memory access was encountered"), False, True),
        (AcceleratorError("CUDA error: operation not permitted when stream is capturing"), False, False),
        (ValueError("a shape"), False, False),
    ],
)
def test_errors_of_a_device(error: Exception, memory: bool, lost: bool) -> None:
    assert (out_of_memory(error), device_lost(error)) == (memory, lost)

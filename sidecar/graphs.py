"""Runs decoding steps as CUDA graphs: one launch replaces about a thousand launches of kernels.

A graph replays the same kernels on the same memory, so the inputs and outputs of a step must keep their memory
addresses.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Step = Callable[[Tensor, Tensor], Tensor]
"""Takes the next token of each row, and the token's position. Returns the logits after the token."""
Capture = Callable[[Callable[[], Tensor]], tuple[Callable[[], None], Tensor]]
"""Records the device's work of a call. Returns a function that replays it, and the tensor that a replay writes to."""


def capture(run: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
    """Records a call into a CUDA graph. Nothing is computed before the first replay.

    Raises the error of the call itself, so that the caller can recognise an out-of-memory error.
    """
    graph = torch.cuda.CUDAGraph()
    first: Exception | None = None
    try:
        # In the default mode, the recording fails if another thread queries the free memory.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            try:
                result = run()
            except Exception as error:
                first = error
                raise
    except Exception as ended:
        # When a failed recording ends, torch raises another error, which hides the first.
        raise (first or ended) from None
    return graph.replay, result


class Replayed:
    """A step over one cache. The first call runs without a graph, because libraries initialise at their first use. The
    second call is recorded and replayed, and later calls are replayed."""

    def __init__(self, step: Step, record: Capture) -> None:
        self._step = step
        self._record = record
        self._calls = 0

    def __call__(self, tokens: Tensor, positions: Tensor) -> Tensor:
        self._calls += 1
        if self._calls == 1:
            return self._step(tokens, positions)
        if self._calls == 2:
            self._tokens, self._positions = tokens.clone(), positions.clone()
            self._replay, self._logits = self._record(lambda: self._step(self._tokens, self._positions))
        self._tokens.copy_(tokens)
        self._positions.copy_(positions)
        self._replay()
        return self._logits

"""Steps of decoding as CUDA graphs: one launch in place of a thousand.

A graph replays the same kernels on the same memory, so what a step reads and writes must keep its place.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Step = Callable[[Tensor, Tensor], Tensor]
"""Logits after one more token of each row, from the tokens and their positions."""
Capture = Callable[[Callable[[], Tensor]], tuple[Callable[[], None], Tensor]]
"""Records what a call gives to the device: what replays it, and the memory that each replay writes the result to."""


def capture(run: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
    """Record a call into a CUDA graph. Nothing of it is computed before the first replay. Raises what the call raises:
    a memory that runs out while it is recorded can then be seen as that."""
    graph = torch.cuda.CUDAGraph()
    first: Exception | None = None
    try:
        # Other threads may ask for the device's free memory meanwhile, which the default mode takes for a fault.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            try:
                result = run()
            except Exception as error:
                first = error
                raise
    except Exception as ended:
        # Ending a recording that has failed raises an error of its own, in place of the first.
        raise (first or ended) from None
    return graph.replay, result


class Replayed:
    """A step over one cache. The first one is an ordinary call, so that libraries have made what they make at first
    use; the second is recorded; and from then on it is replayed."""

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

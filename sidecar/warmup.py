"""What is done with a loaded model before it answers: its passes are compiled, and fast paths prove themselves."""

from __future__ import annotations

import gc
import logging
import time
from dataclasses import replace

import numpy as np
import torch

from sidecar import proof
from sidecar.config import EngineConfig
from sidecar.memory import device_lost, out_of_memory
from sidecar.model import Model
from sidecar.packing import pack, tree
from sidecar.sizes import Sizes
from sidecar.tokens import Tokens

log = logging.getLogger(__name__)


class WarmUp:
    """Makes one model ready. `sizes` are what the device was found to have memory for, and `refused` the fast paths
    that did not prove themselves, with the reason."""

    def __init__(self, model: Model, tokens: Tokens, config: EngineConfig, sizes: Sizes) -> None:
        self.sizes = sizes
        self.refused: dict[str, proof.Reason] = {}
        self._model = model
        self._tokens = tokens
        self._config = config

    def run(self) -> None:
        """Compile, then prove."""
        self.compile()
        self.prove()

    def compile(self) -> None:
        """Compile what is to be compiled. A fast path that cannot be is left."""
        begun = time.perf_counter()
        if "flex" in self._model.fast_paths:
            try:
                self.compile_lengths()
            except Exception as error:
                if device_lost(error) or out_of_memory(error):
                    raise
                log.warning("compiling the fast path flex", exc_info=True)
                self._leave("flex", "error")
        self._config.observer.compiled(time.perf_counter() - begun)

    def prove(self, clock: proof.Clock = time.perf_counter) -> None:
        """Have each fast path prove itself or be left. Nothing else may use the device: both paths are timed."""
        paths = self._model.fast_paths
        for k, path in enumerate(paths):
            # Those that have not proved themselves yet must not spoil the plain path of this one.
            with self._model.without(*paths[k + 1 :]):
                reason = self._reason(path, clock)
            if reason:
                self._leave(path, reason)
        free(self._model.device)

    def compile_lengths(self) -> None:
        """Run a pass of every length that passes may have, so that none is compiled later.

        Where the device has no memory for a length, passes stay below it, if the longest prompt fits them.
        """
        prompt = np.zeros(max(self._model.lengths, default=0), dtype=np.int64)
        for length in self._model.lengths:
            packed = pack([tree([prompt[:length]])], [0], self._model.features_per_image, self._model.lengths)
            try:
                self._model.prefill(packed, self._model.features([]))
                if self._model.device.type == "cuda":
                    torch.cuda.synchronize()
            except RuntimeError as error:
                if not out_of_memory(error) or not self._shorten(length):
                    raise
                break
        free(self._model.device)

    def _shorten(self, length: int) -> bool:
        """Have passes stay below a length; False where the longest prompt would fit none."""
        shorter = tuple(other for other in self._model.lengths if other < length)
        if not shorter or shorter[-1] < self._config.limits.tokens:
            return False
        log.warning("out of memory in a pass of %d positions; passes have %d at most", length, shorter[-1])
        self._model.lengths = shorter
        self.sizes = replace(self.sizes, pack_tokens=shorter[-1])
        return True

    def _leave(self, path: str, reason: proof.Reason) -> None:
        self._model.leave(path)
        self.refused[path] = reason
        self._config.observer.fallback(path, reason)
        log.warning("the fast path %s is not taken: %s", path, reason, extra={"path": path, "reason": reason})

    def _reason(self, path: str, clock: proof.Clock) -> proof.Reason | None:
        tolerance = proof.TOLERANCE[self._config.dtype]
        prompts = proof.Prompts(self._model, self._tokens, self.sizes.pack_tokens, tolerance, proof.PROMPTS)

        def plain() -> proof.Decoded:
            with self._model.without(path):
                return prompts.decode()

        def same(got: proof.Decoded, expected: proof.Decoded) -> bool:
            with self._model.without(path):
                return prompts.same(got, expected)

        return proof.refusal(prompts.decode, plain, same, clock)


def free(device: torch.device) -> None:
    """Give memory that nothing refers to back to the device."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()

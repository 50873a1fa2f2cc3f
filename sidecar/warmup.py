"""Warms up a loaded model before it answers: compiles its passes, and checks its fast paths."""

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
    """Prepares one model for requests. `sizes` are the sizes for which the device has memory. `refused` has the fast
    paths that failed their check, with the reasons."""

    def __init__(self, model: Model, tokens: Tokens, config: EngineConfig, sizes: Sizes) -> None:
        self.sizes = sizes
        self.refused: dict[str, proof.Reason] = {}
        self._model = model
        self._tokens = tokens
        self._config = config

    def run(self) -> None:
        """Compiles the passes, and then checks the fast paths."""
        self.compile()
        self.prove()

    def compile(self) -> None:
        """Compiles the passes. A fast path that cannot be compiled is disabled."""
        begun = time.perf_counter()
        if "flex" in self._model.fast_paths:
            try:
                self.compile_lengths()
            except Exception as error:
                if device_lost(error) or out_of_memory(error):
                    raise
                log.warning("compiling the fast path flex failed", exc_info=True)
                self._disable("flex", "error")
        self._config.observer.compiled(time.perf_counter() - begun)

    def prove(self, clock: proof.Clock = time.perf_counter) -> None:
        """Checks each fast path, and disables the paths that fail. Nothing else may use the device during the check,
        because it measures time."""
        paths = self._model.fast_paths
        for k, path in enumerate(paths):
            # This check must not use the paths that are not checked yet.
            with self._model.without(*paths[k + 1 :]):
                reason = self._reason(path, clock)
            if reason:
                self._disable(path, reason)
        free(self._model.device)

    def compile_lengths(self) -> None:
        """Runs a pass of every allowed length, so that no length is compiled later.

        If the device has no memory for a length, only shorter passes are allowed. If the longest prompt does not fit
        into these, the error is raised.
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
        """Allows only passes that are shorter than a length. Returns False if the longest prompt would not fit."""
        shorter = tuple(other for other in self._model.lengths if other < length)
        if not shorter or shorter[-1] < self._config.limits.tokens:
            return False
        log.warning("out of memory in a pass of %d positions; the limit is now %d", length, shorter[-1])
        self._model.lengths = shorter
        self.sizes = replace(self.sizes, pack_tokens=shorter[-1])
        return True

    def _disable(self, path: str, reason: proof.Reason) -> None:
        self._model.disable(path)
        self.refused[path] = reason
        self._config.observer.fallback(path, reason)
        log.warning("the fast path %s is not used: %s", path, reason, extra={"path": path, "reason": reason})

    def _reason(self, path: str, clock: proof.Clock) -> proof.Reason | None:
        tolerance = proof.TOLERANCE[self._config.dtype]
        prompts = proof.Prompts(self._model, self._tokens, self.sizes.pack_tokens, tolerance, proof.PROMPTS)

        def slow() -> proof.Decoded:
            with self._model.without(path):
                return prompts.decode()

        def same(got: proof.Decoded, expected: proof.Decoded) -> bool:
            with self._model.without(path):
                return prompts.same(got, expected)

        return proof.refusal(prompts.decode, slow, same, clock)


def free(device: torch.device) -> None:
    """Returns unused memory to the device."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()

"""Loads and warms up all models. While one model is compiled, the weights of the next are read."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import PIL
import torch
import transformers
from transformers import LlavaOnevisionForConditionalGeneration

from sidecar import checkpoint, kernels
from sidecar.config import EngineConfig
from sidecar.images import SIDE, TREATMENT
from sidecar.model import KERNEL
from sidecar.runner import DTYPES, Runner, device_of, free_bytes
from sidecar.tokens import Tokens


def load_all(config: EngineConfig) -> dict[str, Runner]:
    """Loads every model. On a GPU it also compiles and warms up each. Raises CheckpointError."""
    paths = dict(sorted(config.directories.items()))
    runners: dict[str, Runner] = {}
    # The device reports the memory of models that are still to be loaded as free, so it is subtracted here.
    free = free_bytes(device_of(config))
    if free is not None:
        free -= sum(checkpoint.device_bytes(path, DTYPES[config.dtype]) for path in paths.values())
    restored = kernels.restore(config.kernels, device_of(config))
    with ThreadPoolExecutor(1, thread_name_prefix="load") as pool:
        # The models are read one after another, because they share the disk.
        loads = {name: pool.submit(_read, path, config) for name, path in paths.items()}
        try:
            for name, path in paths.items():
                network, identity = loads[name].result()
                tokens = Tokens(path)
                generation = checkpoint.read_generation(path, tokens.end)
                runners[name] = Runner.over(network, identity, tokens, generation, config, free)
                runners[name].warm_up.compile()
        finally:
            for load in loads.values():
                load.cancel()
    if any("flex" in runner.model.fast_paths for runner in runners.values()):
        kernels.keep(config.kernels, device_of(config), restored)
    # All weights must be on the device before this check, because it measures time.
    for runner in runners.values():
        runner.warm_up.prove()
    return runners


def identify(directory: Path, config: EngineConfig) -> str:
    """Returns a hash of everything that can change an answer of a checkpoint on this machine."""
    parts = (
        *(checkpoint.digest(directory), TREATMENT, f"pillow {PIL.__version__}", config.dtype, KERNEL),
        *(f"torch {torch.__version__}", f"transformers {transformers.__version__}", device_of(config).type),
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _read(directory: Path, config: EngineConfig) -> tuple[LlavaOnevisionForConditionalGeneration, str]:
    begun = time.perf_counter()
    network = checkpoint.load(directory, device_of(config), DTYPES[config.dtype])
    side = network.model.vision_tower.config.image_size
    if side != SIDE:
        raise checkpoint.CheckpointError(
            f"{directory}: the vision tower takes images of {side} x {side} pixels, "
            f"but the sidecar makes images of {SIDE} x {SIDE} pixels"
        )
    identity = identify(directory, config)
    config.observer.loaded(time.perf_counter() - begun)
    return network, identity

"""Keeps compiled kernels between starts, in one file for each combination of torch, GPU and version of this code.

The file has the format of `torch.compiler`. Loading it executes code, so no other user may have write access to the
folder.
"""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path

import torch
from torch._dynamo.utils import counters

log = logging.getLogger(__name__)


def key(device: torch.device) -> str:
    """Returns a hash of everything that compiled kernels depend on: torch, its CUDA, the GPU, and the compiled code."""
    card = "cpu"
    if device.type == "cuda":
        card = f"{torch.cuda.get_device_name(device)} {torch.cuda.get_device_capability(device)}"
    code = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        code.update(path.read_bytes())
    parts = (torch.__version__, str(torch.version.cuda), card, code.hexdigest())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def restore(folder: Path | None, device: torch.device) -> bool:
    """Loads the kernels of an earlier start. Returns False if there are no kernels, or if they cannot be read."""
    if folder is None:
        return False
    path = folder / f"{key(device)}.kernels"
    try:
        return torch.compiler.load_cache_artifacts(path.read_bytes()) is not None
    except FileNotFoundError:
        return False
    except Exception:
        log.warning("reading the compiled kernels %s failed; they are compiled again", path, exc_info=True)
        return False


def keep(folder: Path | None, device: torch.device, restored: bool = False) -> None:
    """Saves the compiled kernels for the next start, unless all of them were restored.

    If more memory is free, passes have other lengths. So a start that restored kernels may still compile some. If the
    folder cannot be written, a warning is logged.
    """
    if folder is None or (restored and not counters["inductor"]["fxgraph_cache_miss"]):
        return
    path = folder / f"{key(device)}.kernels"
    try:
        saved = torch.compiler.save_cache_artifacts()
        if saved is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        scratch = path.with_suffix(f".{os.getpid()}.part")
        scratch.write_bytes(saved[0])
        scratch.replace(path)
    except Exception:
        log.warning("saving the compiled kernels to %s failed", path, exc_info=True)
    else:
        log.info("the compiled kernels are saved to %s", path)

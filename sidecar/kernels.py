"""Compiled kernels, kept between starts: one file for each torch, card and state of this code.

The file is what `torch.compiler` itself saves. It is loaded as code is: only a folder that nobody else can write to may
be given.
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
    """What compiled kernels depend on: torch and its CUDA, the card, and the code that is compiled."""
    card = "cpu"
    if device.type == "cuda":
        card = f"{torch.cuda.get_device_name(device)} {torch.cuda.get_device_capability(device)}"
    code = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        code.update(path.read_bytes())
    parts = (torch.__version__, str(torch.version.cuda), card, code.hexdigest())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def restore(folder: Path | None, device: torch.device) -> bool:
    """Take the kernels of an earlier start; False where there are none, or they cannot be read."""
    if folder is None:
        return False
    path = folder / f"{key(device)}.kernels"
    try:
        return torch.compiler.load_cache_artifacts(path.read_bytes()) is not None
    except FileNotFoundError:
        return False
    except Exception:
        log.warning("reading the compiled kernels of %s; they are compiled anew", path, exc_info=True)
        return False


def keep(folder: Path | None, device: torch.device, restored: bool = False) -> None:
    """Save what was compiled for the next start, if that is more than was restored: with more memory free, passes may
    have other lengths. A folder that cannot be written to costs only that."""
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
        log.warning("saving the compiled kernels to %s", path, exc_info=True)
    else:
        log.info("compiled kernels are saved to %s", path)

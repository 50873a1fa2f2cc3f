"""`python -m sidecar.tools.quantize FROM TO` writes an fp8 checkpoint, so that both 7B models fit a 24 GB GPU.

The weights of the decoder's projections are in fp8, for dynamic W8A8. All other tensors are in fp16. Run
`sidecar.tools.compare` before you use the result.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from sidecar import checkpoint, fp8, manifest, tokens


def quantize(source: Path, target: Path, device: str = "cpu") -> None:
    """Writes `target`, with one file in memory at a time. Raises CheckpointError if the source is invalid."""
    config = checkpoint.read_json(source / "config.json")
    if fp8.SECTION in config:
        raise checkpoint.CheckpointError(f"{source} is already quantised")
    parsed = checkpoint.to_config(config)
    files = checkpoint.weight_files(source)
    stored = [(name, shape) for _, name, shape, _ in checkpoint.headers(files)]
    required = checkpoint.released_shapes(checkpoint.skeleton(parsed))
    checkpoint.account(stored, required, parsed.vision_config.num_hidden_layers)
    target.mkdir(parents=True)
    index: dict[str, str] = {}
    for path in files:
        written = _quantized(path, required.keys(), device)
        save_file(written, target / path.name, metadata={"format": "pt"})
        # safetensors makes the file readable only by its owner, but the service usually runs as another user.
        (target / path.name).chmod(0o644)
        index |= dict.fromkeys(written, path.name)
    (target / checkpoint.INDEX).write_text(json.dumps({"weight_map": index}, indent=1))
    for name in ("generation_config.json", *tokens.FILES):
        if (source / name).exists():
            shutil.copyfile(source / name, target / name)
    manifest.write(target, checkpoint.weight_files(target))
    # config.json is written last. A directory without it is not a checkpoint, so an incomplete checkpoint is never
    # loaded.
    (target / "config.json").write_text(json.dumps({**config, fp8.SECTION: fp8.METHOD}, indent=1))


def _quantized(path: Path, required: object, device: str) -> dict[str, Tensor]:
    written: dict[str, Tensor] = {}
    with safe_open(path, framework="pt") as opened:
        for name in sorted(opened.keys()):
            if name not in required:
                continue
            tensor = opened.get_tensor(name)
            if fp8.is_projection(name):
                weight, scale = fp8.quantise(tensor.to(device))
                written[name], written[fp8.scale_name(name)] = weight.cpu(), scale.cpu()
            else:
                written[name] = tensor.to(torch.float16)
    return written


def main() -> None:
    parser = argparse.ArgumentParser(description="write an fp8 checkpoint, with the decoder's projections in W8A8")
    parser.add_argument("source", type=Path, help="a checkpoint of the released form")
    parser.add_argument("target", type=Path, help="a folder that does not exist yet")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    quantize(args.source, args.target, args.device)
    print(f"{args.target} is written; run python -m sidecar.tools.compare before you use it")


if __name__ == "__main__":
    main()

"""Loads a checkpoint of the released LLaVA-NeXT form into transformers' LLaVA-OneVision classes: it renames tensors.

All names and shapes are checked before the first tensor is read. The error names each tensor that is unknown, is
missing or has the wrong shape. Tensors are copied to the device one by one, and the read-ahead is bounded.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn
from transformers import LlavaOnevisionConfig, LlavaOnevisionForConditionalGeneration
from transformers.models.qwen2.modeling_qwen2 import Qwen2RotaryEmbedding

from sidecar import fp8, manifest, tokens, weights

INDEX = "model.safetensors.index.json"
TOWER = "model.vision_tower.vision_tower.vision_model."
# SigLIP-so400m without its 27th layer; the released config.json has no vision section.
VISION = {
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "num_hidden_layers": 26,
    "num_attention_heads": 16,
    "image_size": 384,
    "patch_size": 14,
}
TEXT_FIELDS = (
    *("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"),
    *("num_key_value_heads", "max_position_embeddings", "rms_norm_eps", "rope_theta", "hidden_act"),
)
# Settings that this code assumes. With other values, the answers would be wrong.
REQUIRED = {
    "architectures": ["LlavaQwenForCausalLM"],
    "mm_projector_type": "mlp2x_gelu",
    "mm_vision_select_layer": -2,
    "tie_word_embeddings": False,
    "rope_scaling": None,
    "use_sliding_window": False,
}
# Settings that a released config.json may omit.
OPTIONAL = ("tie_word_embeddings", "rope_scaling", "use_sliding_window", "mm_vision_select_layer")
RENAMED = (
    (TOWER, "model.vision_tower."),
    ("model.mm_projector.0.", "model.multi_modal_projector.linear_1."),
    ("model.mm_projector.2.", "model.multi_modal_projector.linear_2."),
    ("model.layers.", "model.language_model.layers."),
    ("model.embed_tokens.", "model.language_model.embed_tokens."),
    ("model.norm.", "model.language_model.norm."),
)
"""Pairs of prefixes: the prefix of a tensor's released name, and the prefix of its name in transformers' classes.

Names with other prefixes are the same in both."""


class CheckpointError(ValueError):
    """A directory has no valid checkpoint of the released form. The message has one line for each fault."""


@dataclass(frozen=True)
class Generation:
    """The settings of greedy decoding, from generation_config.json."""

    penalty: float
    """Repetition penalty; 1 has no effect."""
    ends: frozenset[int]
    """Ids of end-of-sequence tokens."""


def read_json(path: Path) -> dict[str, Any]:
    """Reads a file that contains a JSON object. Raises CheckpointError."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"reading {path}: {error}") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"reading {path}: the file must contain a JSON object")
    return value


def read_config(directory: Path) -> LlavaOnevisionConfig:
    """Returns the transformers configuration that corresponds to the released config.json of a directory.

    In tests, the field `vision_config_for_tests` replaces the sizes of the vision tower.
    """
    return to_config(read_json(directory / "config.json"))


def to_config(released: Mapping[str, Any]) -> LlavaOnevisionConfig:
    """Returns the transformers configuration that corresponds to a parsed config.json; see `read_config`."""
    given = {**{name: REQUIRED[name] for name in OPTIONAL}, **released}
    faults = [f"{k} is {given.get(k)!r}, but must be {v!r}" for k, v in REQUIRED.items() if given.get(k) != v]
    faults += [f"{k} is missing" for k in TEXT_FIELDS if k not in given]
    if faults:
        raise CheckpointError("config.json does not describe a released checkpoint:\n" + "\n".join(faults))
    vision = {
        "model_type": "siglip_vision_model",
        "vision_use_head": False,
        **VISION,
        **given.get("vision_config_for_tests", {}),
    }
    text = {"model_type": "qwen2", **{k: given[k] for k in TEXT_FIELDS}}
    return LlavaOnevisionConfig(vision_config=vision, text_config=text, tie_word_embeddings=False)


def read_generation(directory: Path, end: int) -> Generation:
    """Reads generation_config.json. If the file or a field is missing, the penalty is 1, or the only end token is
    `end`."""
    path = directory / "generation_config.json"
    given = read_json(path) if path.exists() else {}
    config = {"eos_token_id": end, "repetition_penalty": 1.0} | {k: v for k, v in given.items() if v is not None}
    ends, penalty = config["eos_token_id"], config["repetition_penalty"]
    ends = ends if isinstance(ends, list) else [ends]
    if not ends or not all(type(token) is int for token in ends):
        raise CheckpointError(f"{path}: eos_token_id must be a token id or a list of token ids, not {ends!r}")
    if type(penalty) not in (int, float) or not penalty > 0:
        raise CheckpointError(f"{path}: repetition_penalty must be a number above 0, not {penalty!r}")
    return Generation(float(penalty), frozenset(ends))


def skeleton(config: LlavaOnevisionConfig) -> LlavaOnevisionForConditionalGeneration:
    """Builds the network on the meta device. Its tensors have shapes, but no storage."""
    with torch.device("meta"):
        return LlavaOnevisionForConditionalGeneration(config).eval()


def released_name(name: str) -> str:
    """Returns the released name of a tensor that has this name in transformers' classes."""
    for released, ours in RENAMED:
        if name.startswith(ours):
            return released + name.removeprefix(ours)
    return name


def released_shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    """Returns the shape of every tensor that a released checkpoint of the network must have, by released name."""
    return {released_name(name): tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def ignored(name: str, tower_layers: int) -> bool:
    """Returns whether a stored tensor is allowed but not loaded, because the reference code drops or computes it."""
    dropped = rf"{re.escape(TOWER)}(encoder\.layers\.{tower_layers}\..*|head\..*|embeddings\.position_ids)"
    return re.fullmatch(rf"{dropped}|model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq", name) is not None


def weight_files(directory: Path) -> list[Path]:
    """Returns the safetensors files of a checkpoint: the files that its index lists, or the only file if there is no
    index."""
    index = directory / INDEX
    if index.exists():
        files = [directory / name for name in _indexed(index)]
        missing = [path.name for path in files if not path.is_file()]
        if missing:
            raise CheckpointError(f"{directory}: {INDEX} lists files that are missing: {', '.join(missing)}")
    else:
        files = sorted(path for path in directory.glob("*.safetensors") if path.is_file())
        if len(files) > 1:
            raise CheckpointError(
                f"{directory} has {len(files)} safetensors files and no {INDEX}, so a missing file would not be"
                " noticed: add the index"
            )
    if not files:
        raise CheckpointError(f"{directory} has no safetensors file")
    return files


def _indexed(index: Path) -> list[str]:
    """Returns the names of the files that an index lists, sorted. Each must be a file name without a folder."""
    places = read_json(index).get("weight_map")
    if not isinstance(places, dict):
        raise CheckpointError(f"{index}: weight_map must be an object that gives the file of each tensor")
    wrong = [f"{tensor}: {name!r}" for tensor, name in places.items() if not _is_file_name(name)]
    if wrong:
        raise CheckpointError(
            f"{index}: weight_map must give, for each tensor, the name of a file in the same folder,"
            f" not {'; '.join(wrong)}"
        )
    return sorted(set(places.values()))


def _is_file_name(name: object) -> bool:
    return isinstance(name, str) and name not in ("", ".", "..") and "/" not in name and "\\" not in name


def headers(files: Sequence[Path]) -> Iterator[tuple[Path, str, tuple[int, ...], str]]:
    """Yields the file, name, shape and type of every stored tensor. It does not read the contents."""
    for path in files:
        try:
            with safe_open(path, framework="pt") as opened:
                for name in opened.keys():  # noqa: SIM118 - opened is not a mapping
                    stored = opened.get_slice(name)
                    yield path, name, tuple(stored.get_shape()), stored.get_dtype()
        except Exception as error:
            raise CheckpointError(f"reading {path}: {error}") from error


def account(
    stored: Sequence[tuple[str, tuple[int, ...]]], required: Mapping[str, tuple[int, ...]], tower_layers: int
) -> None:
    """Raises CheckpointError unless each required tensor is stored once, with its shape, and every other stored tensor
    can be ignored."""
    faults: list[str] = []
    found: set[str] = set()
    for name, shape in stored:
        if name in found:
            faults.append(f"stored twice: {name}")
        found.add(name)
        if name in required:
            if shape != required[name]:
                faults.append(f"wrong shape: {name} is {list(shape)}, but must be {list(required[name])}")
        elif not ignored(name, tower_layers):
            faults.append(f"unknown: {name} {list(shape)}")
    faults += [f"missing: {name} {list(shape)}" for name, shape in required.items() if name not in found]
    if faults:
        raise CheckpointError("the tensors differ from a released checkpoint:\n" + "\n".join(faults))


def load(directory: Path, device: torch.device | str, dtype: torch.dtype) -> LlavaOnevisionForConditionalGeneration:
    """Loads a checkpoint of the released form, or of the fp8 form that `sidecar.tools.quantize` writes."""
    released = read_json(directory / "config.json")
    config = to_config(released)
    network = skeleton(config)
    required = released_shapes(network)
    quantised = fp8.weights(released, required)
    scales = {fp8.scale_name(name): name for name in quantised}
    files = weight_files(directory)
    tensors = list(headers(files))
    shapes = required | {scale: (required[name][0], 1) for scale, name in scales.items()}
    account([(name, shape) for _, name, shape, _ in tensors], shapes, config.vision_config.num_hidden_layers)
    wrong = [f"{name} is {kind}" for _, name, _, kind in tensors if (kind == fp8.STORED) != (name in quantised)]
    if wrong:
        raise CheckpointError(f"tensor types differ from {fp8.SECTION} in config.json:\n" + "\n".join(wrong))
    own = {released_name(name): name for name in network.state_dict()}
    held: dict[str, Tensor] = {}
    pinned = torch.device(device).type == "cuda"
    for path in files:
        for name, tensor in weights.read(path, shapes.keys(), pinned):
            if name not in quantised and name not in scales:
                _place(network, own[name], tensor.to(device=device, dtype=dtype))
                continue
            held[name] = tensor.to(device)
            weight = scales.get(name, name)
            if weight in held and (scale := fp8.scale_name(weight)) in held:
                _place(network, own[weight], fp8.weight(held.pop(weight), held.pop(scale), dtype))
    fill_buffers(network, device)
    return network


def device_bytes(directory: Path, dtype: torch.dtype) -> int:
    """Returns the bytes that a checkpoint's weights need on the device. It reads only the headers of the files."""
    layers = to_config(read_json(directory / "config.json")).vision_config.num_hidden_layers
    return sum(
        math.prod(shape) * (1 if kind == fp8.STORED else dtype.itemsize)
        for _, name, shape, kind in headers(weight_files(directory))
        if not ignored(name, layers)
    )


def place(network: nn.Module, tensors: Iterable[tuple[str, Tensor]]) -> None:
    """Puts tensors, named as in a released checkpoint, into a network on the meta device."""
    own = {released_name(name): name for name in network.state_dict()}
    for name, tensor in tensors:
        _place(network, own[name], tensor)


def fill_buffers(network: LlavaOnevisionForConditionalGeneration, device: torch.device | str) -> None:
    """Computes the buffers that checkpoints do not contain: rotary frequencies, and the vision tower's position ids."""
    language, tower = network.model.language_model, network.model.vision_tower
    language.rotary_emb = Qwen2RotaryEmbedding(language.config, device=device)
    embeddings = tower.embeddings
    embeddings.position_ids = torch.arange(embeddings.num_positions, device=device)[None]


def digest(directory: Path) -> str:
    """Returns a hash of all files of a checkpoint's directory that can change an answer."""
    tokenizer = ("tokenizer.json",) if (directory / "tokenizer.json").exists() else tokens.SLOW
    names = [directory / name for name in ("config.json", "generation_config.json", *tokenizer)]
    files = [path for path in names if path.exists()] + weight_files(directory)
    sums = manifest.digests(directory, files)
    return hashlib.sha256(
        "\n".join(f"{path.name} {s}" for path, s in zip(files, sums, strict=True)).encode()
    ).hexdigest()


def _place(network: nn.Module, name: str, tensor: Tensor) -> None:
    owner, _, leaf = name.rpartition(".")
    setattr(network.get_submodule(owner), leaf, nn.Parameter(tensor, requires_grad=False))

"""Makes random checkpoints in the released form, for tests and benchmarks.

`python -m sidecar.tools.synthetic FOLDER` writes a tiny checkpoint.

The weights have a large variance. With transformers' default initialisation, a misplaced token would change the logits
by less than the tolerance of a test.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from torch import Tensor

from sidecar import checkpoint
from sidecar.tools import prompts

SPECIAL = ("<|im_end|>", "<|endoftext|>", "<|im_start|>")
QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TINY = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
TINY_VISION = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
# These factors make attention sharper, so that a single token in a thousand changes the logits.
GAINS = {"self_attn.q_proj": 2.0, "self_attn.k_proj": 2.0, "v_proj": 2.0, "o_proj": 2.0, "lm_head": 3.0}
# 7.6 G parameters; the vision tower has a twentieth of them.
SEVEN = {
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
}


def config(text: Mapping[str, int], vision: Mapping[str, int], vocabulary: int) -> dict[str, Any]:
    """Returns a config.json of the released form with other sizes. If `vision` is empty, the vision tower has the sizes
    of SigLIP-so400m."""
    tests = {"vision_config_for_tests": {"image_size": 384, "patch_size": 14, **vision}} if vision else {}
    return {
        "architectures": ["LlavaQwenForCausalLM"],
        "model_type": "llava",
        "vocab_size": vocabulary,
        **text,
        "max_position_embeddings": 32768,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1000000.0,
        "hidden_act": "silu",
        "tie_word_embeddings": False,
        "mm_projector_type": "mlp2x_gelu",
        "mm_vision_select_layer": -2,
        **tests,
    }


def tensors(
    released: Mapping[str, Any], seed: int, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> Iterator[tuple[str, Tensor]]:
    """Yields random tensors of a released checkpoint with their released names, in the order of the names."""
    shapes = checkpoint.released_shapes(checkpoint.skeleton(checkpoint.to_config(released)))
    generator = torch.Generator(device).manual_seed(seed)
    for name, shape in sorted(shapes.items()):
        noise = torch.randn(shape, generator=generator, device=device, dtype=dtype)
        if len(shape) > 1:
            fan = 1 if "embed" in name and "patch" not in name else noise[0].numel()
            noise *= next((gain for part, gain in GAINS.items() if part in name), 1.5) / fan**0.5
        elif "norm" in name and name.endswith("weight"):
            noise = 1 + 0.2 * noise
        elif "newline" not in name:
            noise *= 0.2
        yield name, noise


def tokenizer(vocabulary: int = 600) -> Tokenizer:
    """Trains a byte-level BPE with Qwen2's pre-tokeniser on the default prompts."""
    made = Tokenizer(models.BPE())
    made.normalizer = normalizers.NFC()
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(QWEN2), "isolated"), byte_level])
    made.decoder = decoders.ByteLevel()
    # Qwen2 has a token `.\n`, so a prompt that is cut before it is tokenised can get other tokens.
    corpus = [
        prompts.scorer_text(c) + " so.\n" + prompts.styler_text().lstrip() + " so?\n\n" for c in prompts.CAPABILITIES
    ] * 3
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(SPECIAL), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    made.train_from_iterator(corpus, trainer)
    made.add_special_tokens(list(SPECIAL))
    return made


def write(
    folder: Path,
    seed: int = 0,
    text: Mapping[str, int] = TINY,
    vision: Mapping[str, int] = TINY_VISION,
    files: int = 1,
    dtype: torch.dtype = torch.float32,
    tokens: Tokenizer | None = None,
) -> Path:
    """Writes a random checkpoint of the released form in one or several files. Returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens = tokens or tokenizer()
    vocabulary = -(-tokens.get_vocab_size() // 64) * 64
    released = config(text, vision, vocabulary)
    (folder / "config.json").write_text(json.dumps(released, indent=1))
    ends = {"eos_token_id": [tokens.token_to_id(name) for name in SPECIAL[:2]]}
    (folder / "generation_config.json").write_text(json.dumps({"do_sample": True, "repetition_penalty": 1.05, **ends}))
    tokens.save(str(folder / "tokenizer.json"))
    drawn = {name: tensor.to(dtype) for name, tensor in tensors(released, seed)}
    if files == 1:
        save_file(drawn, folder / "model.safetensors", metadata={"format": "pt"})
        return folder
    names = {
        name: f"model-{k * files // len(drawn) + 1:05d}-of-{files:05d}.safetensors" for k, name in enumerate(drawn)
    }
    for path in sorted(set(names.values())):
        save_file({n: t for n, t in drawn.items() if names[n] == path}, folder / path, metadata={"format": "pt"})
    (folder / checkpoint.INDEX).write_text(json.dumps({"weight_map": names}))
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description="write a tiny random checkpoint of the released form")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print(write(args.folder, args.seed))


if __name__ == "__main__":
    main()

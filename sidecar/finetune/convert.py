"""Converts a checkpoint to the trainer's form and back.

    python -m sidecar.finetune.convert to-trainer RELEASED TRAINER
    python -m sidecar.finetune.convert to-sidecar TRAINED RELEASED OUT

RELEASED is a checkpoint of the released form. The trainer reads and writes transformers' form; the sidecar serves the
released form. The two forms differ in the names of tensors and in config.json.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import torch
from huggingface_hub import save_torch_state_dict
from transformers import LlavaOnevisionForConditionalGeneration, Qwen2Tokenizer

from sidecar import checkpoint
from sidecar.tokens import FILES, Tokens

KEPT = ("config.json", "generation_config.json", *FILES)
"""The files of a released checkpoint, without its weights, that the sidecar reads."""


def to_trainer(released: Path, out: Path, dtype: torch.dtype = torch.bfloat16) -> None:
    """Writes a released checkpoint in transformers' form, with a tokenizer that transformers can load."""
    network = checkpoint.load(released, "cpu", dtype)
    # The first id without a token is the id of images. In the released vocabulary, llava-hf's conversions use the same
    # id.
    tokens = Tokens(released)
    image = tokens.size
    if image >= network.config.text_config.vocab_size:
        raise checkpoint.CheckpointError(f"{released}: all ids of the vocabulary have tokens; none is left for images")
    network.config.image_token_id = image
    network.save_pretrained(out)
    tokens.save(out)
    end, pad = "<|im_end|>", "<|endoftext|>"
    Qwen2Tokenizer.from_pretrained(out, eos_token=end, pad_token=pad).save_pretrained(out)
    # Write the original tokenizer again, because the tokenizer that transformers saved may have other added tokens.
    tokens.save(out)


def to_sidecar(trained: Path, released: Path, out: Path) -> None:
    """Writes trained weights in the released form, with the other files of the checkpoint `released`.

    `released` must be the checkpoint that the training started from.
    """
    network = LlavaOnevisionForConditionalGeneration.from_pretrained(trained, dtype="auto")
    tensors = {checkpoint.released_name(name): tensor for name, tensor in network.state_dict().items()}
    config = checkpoint.read_config(released)
    required = checkpoint.released_shapes(checkpoint.skeleton(config))
    stored = [(name, tuple(tensor.shape)) for name, tensor in tensors.items()]
    checkpoint.account(stored, required, config.vision_config.num_hidden_layers)
    out.mkdir(parents=True, exist_ok=True)
    save_torch_state_dict(tensors, out)
    for name in KEPT:
        if (released / name).exists():
            shutil.copy(released / name, out)


def main() -> None:
    parser = argparse.ArgumentParser(description="convert a checkpoint for the trainer, or back for the sidecar")
    ways = parser.add_subparsers(dest="way", required=True)
    there = ways.add_parser("to-trainer", help="convert the released form to transformers' form")
    there.add_argument("released", type=Path)
    there.add_argument("out", type=Path)
    back = ways.add_parser("to-sidecar", help="convert transformers' form to the released form")
    back.add_argument("trained", type=Path)
    back.add_argument("released", type=Path)
    back.add_argument("out", type=Path)
    args = parser.parse_args()
    if args.way == "to-trainer":
        to_trainer(args.released, args.out)
    else:
        to_sidecar(args.trained, args.released, args.out)
    print(args.out)


if __name__ == "__main__":
    main()

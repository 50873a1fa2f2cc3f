"""Copies a checkpoint and changes its head, so that only digits have logits, and the logits are large."""

import json
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

source, target = map(Path, sys.argv[1:])
for file in source.iterdir():
    shutil.copyfile(file, target / file.name)  # does not copy the mode, because the source may be read-only
tensors = load_file(source / "model.safetensors")
vocabulary = json.loads((source / "vocab.json").read_text())
head = tensors["lm_head.weight"]
digits = [vocabulary[str(digit)] for digit in range(6)]
half = 3 * head[digits[:3]].clone()
head.zero_()
# Pairs of rows have opposite signs, so one logit of each pair is positive for any hidden state.
head[digits] = torch.cat([half, -half])
save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})

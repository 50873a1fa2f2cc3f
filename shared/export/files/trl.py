"""Loads this folder for TRL: `from load import load`, then `SFTTrainer(train_dataset=load(), ...)`."""

from pathlib import Path

from datasets import Dataset, Image, List, load_dataset

FOLDER = Path(__file__).resolve().parent


def load() -> Dataset:
    """Returns the samples: turns with parts, and a list of images, which are decoded when they are read."""
    rows = load_dataset("json", data_files=str(FOLDER / "data.jsonl"), split="train")
    rows = rows.map(lambda row: {"images": [str(FOLDER / name) for name in row.get("images") or []]})
    return rows.cast_column("images", List(Image()))

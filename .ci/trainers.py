"""Loads exports of the demo with the trainers' loaders, and compares the results with the records of the demo."""

import argparse
import importlib.machinery
import json
import os
import pathlib
import sys
import types
from collections.abc import Callable

FOLDER = "for-"


def records(subset: pathlib.Path) -> list[dict]:
    return json.loads(subset.read_text())


def names(record: dict) -> list[str]:
    image = record.get("image", [])
    return [image] if isinstance(image, str) else image


def said(record: dict) -> list[str]:
    return [turn["value"] for turn in record["conversations"]]


def same(images: list[bytes], record: dict, demo: pathlib.Path) -> None:
    assert images == [(demo / name).read_bytes() for name in names(record)], record["id"]


def llava(folder: pathlib.Path, own: list[dict], demo: pathlib.Path) -> str:
    """Reads records as LazySupervisedDataset of LLaVA and LLaVA-NeXT does. No package index has these trainers."""
    rows = json.loads((folder / "data.json").read_text())
    for row, record in zip(rows, own, strict=True):
        files = []
        if "image" in row:  # otherwise the record has no image
            files = row["image"] if isinstance(row["image"], list) else [row["image"]]
            # LLaVA joins the folder and the text in `image`, so one image must not be in a list.
            assert files and (len(files) > 1) == isinstance(row["image"], list)
        same([(folder / name).read_bytes() for name in files], record, demo)
        assert [turn["value"] for turn in row["conversations"]] == said(record)
        assert sum(text.count("<image>") for text in said(row)) == len(files)
    return "json"


def hf(folder: pathlib.Path, own: list[dict], demo: pathlib.Path) -> str:
    import datasets

    rows = datasets.load_dataset(str(folder), split="train", cache_dir=str(folder / ".cache"))
    for row, record in zip(rows, own, strict=True):
        assert len(row["images"]) == len(names(record)) and all(picture.size for picture in row["images"])
        assert [turn["value"] for turn in row["conversations"]] == said(record)
    raw = rows.cast_column("images", [datasets.Image(decode=False)])
    for row, record in zip(raw, own, strict=True):
        same([image["bytes"] for image in row["images"]], record, demo)
    return f"datasets {datasets.__version__}"


def webdataset(folder: pathlib.Path, own: list[dict], demo: pathlib.Path) -> str:
    import webdataset as wds

    rows = list(load(folder)())
    for row, record in zip(rows, own, strict=True):
        same(row["images"], record, demo)
        assert said(row) == said(record)
    return f"webdataset {wds.__version__}"


def load(folder: pathlib.Path) -> Callable:
    """Returns the function of an export's load.py."""
    sys.path.insert(0, str(folder))
    sys.modules.pop("load", None)
    import load as module

    sys.path.remove(str(folder))
    return module.load


def parts(messages: list[dict]) -> list[str]:
    texts = []
    for message in messages:
        texts.append("".join("<image>" if p["type"] == "image" else p["text"] for p in message["content"]))
    return texts


def trl(folder: pathlib.Path, own: list[dict], demo: pathlib.Path) -> str:
    import datasets
    import trl as package
    from trl.data_utils import prepare_multimodal_messages

    rows = load(folder)()
    embedded = datasets.load_dataset(f"{folder}-embed", split="train", cache_dir=f"{folder}-embed/.cache")
    assert embedded.features["images"] == rows.features["images"]
    for row, inside, record in zip(rows, embedded, own, strict=True):
        for one in (row, inside):
            prepared = prepare_multimodal_messages(one["messages"], images=one["images"])
            assert parts(prepared) == said(record), (prepared, record)
            pictures = [p["image"] for m in prepared for p in m["content"] if p["type"] == "image"]
            assert [p.size for p in pictures] == [p.size for p in one["images"]] and len(pictures) == len(names(record))
    return f"trl {package.__version__}"


def llama_factory(folder: pathlib.Path, own: list[dict], demo: pathlib.Path) -> str:
    import transformers  # before the stub of torchaudio, because transformers checks the installed packages

    assert transformers.__version__
    sys.modules["torchaudio"] = types.ModuleType("torchaudio")  # imported for audio, which no export has
    sys.modules["torchaudio"].__spec__ = importlib.machinery.ModuleSpec("torchaudio", None)
    from llamafactory.data.loader import _get_merged_dataset
    from llamafactory.extras.env import VERSION
    from llamafactory.hparams import DataArguments, ModelArguments
    from transformers import Seq2SeqTrainingArguments

    given = DataArguments(dataset="demo", dataset_dir=str(folder), media_dir=str(folder), template="qwen2_vl")
    model = ModelArguments(model_name_or_path="none", cache_dir=str(folder / ".cache"))
    training = Seq2SeqTrainingArguments(output_dir=str(folder / ".cache"), use_cpu=True)
    rows = _get_merged_dataset(["demo"], model, given, training, stage="sft")
    for row, record in zip(rows, own, strict=True):
        texts = [turn["content"] for turn in [*row["_prompt"], *row["_response"]]]
        assert texts == said(record), (row, record)
        same([pathlib.Path(image).read_bytes() for image in row["_images"] or []], record, demo)
    return f"LLaMA-Factory {VERSION}"


def ms_swift(folder: pathlib.Path, own: list[dict], demo: pathlib.Path) -> str:
    import swift
    import yaml
    from swift.dataset import load_dataset

    given = yaml.safe_load((folder / "args.yaml").read_text())
    os.chdir(folder)
    rows, _ = load_dataset(given["dataset"], num_proc=1)
    root = given["ENV"]["ROOT_IMAGE_DIR"]
    for row, record in zip(rows, own, strict=True):
        assert [message["content"] for message in row["messages"]] == said(record)
        found = [image["path"] if isinstance(image, dict) else image for image in row.get("images") or []]
        same([pathlib.Path(root, name).read_bytes() for name in found], record, demo)
    return f"ms-swift {swift.__version__}"


TRAINERS = {
    "llava": llava,
    "hf": hf,
    "webdataset": webdataset,
    "trl": trl,
    "llama-factory": llama_factory,
    "ms-swift": ms_swift,
}

if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("demo", type=pathlib.Path, help="folder of the images")
    arguments.add_argument("subset", type=pathlib.Path, help="the records as they were selected")
    arguments.add_argument("exports", type=pathlib.Path, help="folder of the exports")
    arguments.add_argument("trainers", nargs="+", choices=TRAINERS)
    given = arguments.parse_args()
    demo, exports = given.demo.resolve(), given.exports.resolve()
    own = records(given.subset)
    for name in given.trainers:
        version = TRAINERS[name](exports / f"{FOLDER}{name}", own, demo)
        print(f"{version} read the {len(own)} samples of the export for {name}")

"""Writes the demo as tars with webdataset, and loads the subset with webdataset and Hugging Face's datasets."""

import glob
import json
import pathlib
import sys

import datasets
import webdataset

TARS = 3


def write(manifest: pathlib.Path, folder: str) -> None:
    """Writes the demo's samples with one image: Hugging Face's loader needs the same members in each sample."""
    records = [r for r in json.loads(manifest.read_text()) if isinstance(r.get("image"), str)]
    for number in range(TARS):
        with webdataset.TarWriter(f"{folder}/demo-{number:03d}.tar") as tar:
            for i, record in list(enumerate(records))[number::TARS]:
                image = (manifest.parent / record["image"]).read_bytes()
                key = f"{i:06d}"
                tar.write({"__key__": key, "png": image, "json": record | {"image": f"{key}.png"}})


def read(folder: str, subset: str) -> None:
    """Compares the members of the subset with the members of the tars."""
    tars = {s["__key__"]: members(s) for name in sorted(glob.glob(f"{folder}/*.tar")) for s in samples(name)}
    kept = {s["__key__"]: members(s) for s in samples(subset)}
    assert 0 < len(kept) < len(tars) and all(tars[key] == sample for key, sample in kept.items())
    assert all(picture.size for picture, _ in samples(subset).decode("pil").to_tuple("png", "json"))
    rows = datasets.load_dataset("webdataset", data_files={"train": subset}, split="train", cache_dir=f"{folder}/cache")
    assert rows["__key__"] == list(kept), rows
    assert [r["id"] for r in rows["json"]] == [json.loads(s["json"])["id"] for s in kept.values()]
    print(f"webdataset and datasets read the same {len(kept)} samples of {len(tars)}")


def samples(name: str) -> webdataset.WebDataset:
    """Returns the samples of a tar, in order."""
    return webdataset.WebDataset(name, shardshuffle=False)


def members(sample: dict) -> dict:
    """Returns a sample without the fields that webdataset adds: its key, and the names of its tar."""
    return {field: content for field, content in sample.items() if not field.startswith("__")}


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "write":
        write(pathlib.Path(arguments[0]), arguments[1])
    else:
        read(*arguments)

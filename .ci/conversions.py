"""Writes the demo in common forms of records. Loads the subsets with datasets, pandas, DuckDB and webdataset."""

import argparse
import json
import pathlib

import datasets
import pandas as pd

CONVERTED = ["llava", "openai", "swift", "sharegpt"]
# Forms of subsets that hold their images.
CONTAINERS = {"parquet": "subset.parquet", "webdataset": "subset.tar"}


def forms(records: list[dict]) -> dict[str, list[dict]]:
    """Returns the samples as records of each form. All values of a key have one type, as the loaders require."""

    def turns(record: dict, role: str, content: str, human: str, model: str) -> list[dict]:
        names = {"human": human, "gpt": model}
        return [{role: names[t["from"]], content: t["value"]} for t in record["conversations"]]

    def parts(record: dict) -> list[dict]:
        messages = []
        for turn in turns(record, "role", "content", "user", "assistant"):
            before, mark, after = turn["content"].partition("<image>")
            image = [{"type": "image_url", "image_url": {"url": record["image"]}}] if mark else []
            texts = [{"type": "text", "text": text} for text in (before, after)]
            messages.append({"role": turn["role"], "content": [texts[0], *image, texts[1]] if mark else [texts[0]]})
        return messages

    def texts(record: dict) -> list[dict]:
        values = [t["value"].replace("<image>\n", "") for t in record["conversations"]]
        return [{"user": user, "assistant": model} for user, model in zip(values[::2], values[1::2])]

    def of(record: dict, **fields: object) -> dict:
        return {"id": record["id"], "data_source": record["data_source"], **fields}

    chat = ("role", "content", "user", "assistant")
    return {
        "llava.jsonl": records,
        "openai.jsonl": [of(r, messages=parts(r)) for r in records],
        "swift.jsonl": [of(r, images=[r["image"]], messages=turns(r, *chat)) for r in records],
        "sharegpt.json": [of(r, images=[r["image"]], conversations=r["conversations"]) for r in records],
        "alpaca.json": [
            of(r, images=[r["image"]], instruction=asked["value"], output=answer["value"])
            for r in records
            for asked, answer in [r["conversations"][:2]]
            if len(r["conversations"]) == 2
        ],
        "cauldron.jsonl": [of(r, images=[r["image"]], texts=texts(r)) for r in records],
        "metadata.jsonl": [of(r, file_name=r["image"], messages=turns(r, *chat)) for r in records],
    }


def write(manifest: pathlib.Path, folder: pathlib.Path) -> None:
    """Writes the samples of the demo that have one PNG image, as JSON, JSONL and Parquet with embedded images."""
    records = [r for r in json.loads(manifest.read_text()) if str(r.get("image", "")).endswith(".png")]
    for name, written in forms(records).items():
        lines = [json.dumps(r, ensure_ascii=False) for r in written]
        text = "\n".join(lines) if name.endswith("l") else "[" + ",\n".join(lines) + "]"
        (folder / name).write_text(text + "\n")
    embedded = [{"bytes": (manifest.parent / r["image"]).read_bytes(), "path": r["image"]} for r in records]
    rows = datasets.Dataset.from_list([{**r, "image": image} for r, image in zip(records, embedded)])
    rows.cast_column("image", datasets.Image()).to_parquet(folder / "embedded.parquet")


def read(folder: pathlib.Path, manifest: pathlib.Path, query: bool) -> None:
    """Loads the subset of each form, and the subset of each conversion."""
    for source in sorted(path for path in folder.iterdir() if path.suffix in (".json", ".jsonl", ".parquet")):
        check(source, folder / "own" / source.name / f"subset{source.suffix}", query)
    own = {r["id"]: r for r in json.loads((folder / "own" / "demo" / "subset.json").read_text())}
    for form in CONVERTED:
        converted(form, folder / "converted" / form / "subset.json", own, query)
    shown(folder / "converted" / "parquet" / "subset.parquet", own, manifest.parent, query)
    for container in CONTAINERS:
        for form in [*CONVERTED, "parquet"]:
            unpacked(form, folder / "converted" / f"{container}-{form}", own, manifest.parent, query)
    versions = f"datasets {datasets.__version__}, pandas {pd.__version__}" + (" and DuckDB" if query else "")
    forms, containers = ", ".join([*CONVERTED, "parquet"]), " and ".join(CONTAINERS)
    print(f"{versions} loaded the subset of each form, and conversions to {forms} of {len(own)} samples,", end=" ")
    print(f"also from {containers}")


def check(source: pathlib.Path, subset: pathlib.Path, query: bool) -> None:
    """Loads a subset that has the form of its source, and compares its rows with the rows of the source."""
    rows = {row["id"]: row for row in load(source)}
    kept = load(subset)
    assert 0 < len(kept) < len(rows), (source, len(kept), len(rows))
    for row in kept:
        assert row == rows[row["id"]], (source, row, rows[row["id"]])
    assert kept.features == load(source).features, source
    compare_ids(subset, [row["id"] for row in kept], query)


def load(path: pathlib.Path) -> datasets.Dataset:
    """Loads a file with Hugging Face's loader, and returns images as bytes."""
    kind = "parquet" if path.suffix == ".parquet" else "json"
    cache = f"{path.parent}/.cache"
    rows = datasets.load_dataset(kind, data_files={"train": str(path)}, split="train", cache_dir=cache)
    return rows.cast_column("image", datasets.Image(decode=False)) if kind == "parquet" else rows


def compare_ids(path: pathlib.Path, ids: list[str], query: bool) -> None:
    """Compares the ids that pandas and DuckDB read from a file."""
    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_json(path, lines=path.suffix == ".jsonl")
    assert list(frame["id"]) == ids, path
    if query:
        import duckdb

        assert duckdb.sql(f"select id from '{path}'").fetchall() == [(id,) for id in ids], path


def converted(form: str, path: pathlib.Path, own: dict[str, dict], query: bool) -> None:
    """Loads a converted subset, and compares its texts and images with the texts and images of the records."""
    rows = load(path)
    assert rows["id"][:] == list(own), form
    for row in rows:
        record = own[row["id"]]
        images, texts = said(form, row)
        assert texts == [t["value"] for t in record["conversations"]], (form, row, record)
        image = record.get("image", [])
        assert images == ([image] if isinstance(image, str) else image), (form, row, record)
        assert row["data_source"] == record["data_source"], (form, row)
    compare_ids(path, list(own), query)


def named(record: dict) -> list[str]:
    """Returns the names of a record's images."""
    image = record.get("image", [])
    return [image] if isinstance(image, str) else image


def shown(path: pathlib.Path, own: dict[str, dict], images: pathlib.Path, query: bool) -> None:
    """Loads a subset in Parquet with decoded images, and compares it with the records."""
    cache = f"{path.parent}/.cache"
    rows = datasets.load_dataset("parquet", data_files={"train": str(path)}, split="train", cache_dir=cache)
    assert rows["id"][:] == list(own), path
    assert all(picture.size for row in rows for picture in row["images"]), path
    raw = datasets.load_dataset("parquet", data_files={"train": str(path)}, split="train", cache_dir=cache)
    for row in raw.cast_column("images", [datasets.Image(decode=False)]):
        record = own[row["id"]]
        assert [(i["path"], i["bytes"]) for i in row["images"]] == [
            (name, (images / name).read_bytes()) for name in named(record)
        ], record
        assert row["conversations"] == record["conversations"] and row["data_source"] == record["data_source"], record
    compare_ids(path, list(own), query)


def unpacked(form: str, folder: pathlib.Path, own: dict[str, dict], images: pathlib.Path, query: bool) -> None:
    """Loads a subset that was converted from a tar or from Parquet. Its images are next to it or in it."""
    if form == "parquet":
        file, cache = str(folder / "subset.parquet"), f"{folder}/.cache"
        rows = datasets.load_dataset("parquet", data_files={"train": file}, split="train", cache_dir=cache)
        assert rows["id"][:] == list(own), folder
        for row in rows.cast_column("images", [datasets.Image(decode=False)]):
            record = own[row["id"]]
            kept = [image["bytes"] for image in row["images"]]
            assert kept == [(images / name).read_bytes() for name in named(record)], (folder, record)
            assert row["conversations"] == record["conversations"], (folder, row, record)
        return
    rows = load(folder / "subset.json")
    assert rows["id"][:] == list(own), folder
    for row in rows:
        record = own[row["id"]]
        names, texts = said(form, row)
        assert texts == [t["value"] for t in record["conversations"]], (folder, row, record)
        kept = [(folder / name).read_bytes() for name in names]
        assert kept == [(images / name).read_bytes() for name in named(record)], (folder, row, record)
        assert (row["image_names"] or []) == named(record), (folder, row, record)
    compare_ids(folder / "subset.json", list(own), query)


def said(form: str, row: dict) -> tuple[list[str], list[str]]:
    """Returns the names of a row's images, and the row's texts with marks at the places of images."""
    if form != "openai":
        turns = row["messages"] if form == "swift" else row["conversations"]
        images = row["image" if form == "llava" else "images"] or []  # LLaVA's trainer wants no field without images
        return images, [t.get("value") or t["content"] for t in turns]
    parts = [turn["content"] for turn in row["messages"]]
    images = [part["image_url"]["url"] for turn in parts for part in turn if part["type"] == "image_url"]
    return images, ["".join(p["text"] if p["type"] == "text" else "<image>" for p in turn) for turn in parts]


def read_tars(folder: pathlib.Path, manifest: pathlib.Path) -> None:
    """Loads the tar of the subset with webdataset, and the tar of the one-image samples with Hugging Face's loader."""
    import webdataset

    own = json.loads((folder / "own" / "demo" / "subset.json").read_text())
    path = folder / "converted" / "webdataset" / "subset.tar"
    samples = list(webdataset.WebDataset(str(path), shardshuffle=False))
    assert [json.loads(s["json"])["id"] for s in samples] == [r["id"] for r in own]
    for sample, record in zip(samples, own):
        images = record.get("image", [])
        names = [images] if isinstance(images, str) else images
        members = [sample[field] for field in sorted(sample) if field.split(".")[0].isdigit()]
        assert members == [(manifest.parent / name).read_bytes() for name in names], record
        assert json.loads(sample["json"])["conversations"] == record["conversations"], record
    decoded = webdataset.WebDataset(str(path), shardshuffle=False).decode("pil")
    assert all(picture.size for s in decoded for field, picture in s.items() if field.endswith("png"))

    path = folder / "converted" / "one-image" / "subset.tar"
    kept = [json.loads(line) for line in (folder / "own" / "llava.jsonl" / "subset.jsonl").read_text().splitlines()]
    rows = datasets.load_dataset(
        "webdataset", data_files={"train": str(path)}, split="train", cache_dir=f"{path.parent}/.cache"
    )
    assert [r["id"] for r in rows["json"]] == [r["id"] for r in kept]
    assert all(picture.size for picture in rows["0.png"])
    print(f"webdataset and datasets {datasets.__version__} read {len(samples)} and {len(kept)} samples of tars")


if __name__ == "__main__":
    datasets.disable_progress_bars()
    arguments = argparse.ArgumentParser()
    arguments.add_argument("command", choices=["write", "read", "read-tars"])
    arguments.add_argument("manifest", type=pathlib.Path)
    arguments.add_argument("folder", type=pathlib.Path)
    arguments.add_argument("--query", action="store_true", help="with DuckDB, too")
    given = arguments.parse_args()
    if given.command == "write":
        write(given.manifest, given.folder)
    elif given.command == "read":
        read(given.folder, given.manifest, given.query)
    else:
        read_tars(given.folder, given.manifest)

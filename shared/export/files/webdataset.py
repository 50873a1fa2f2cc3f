"""Loads the shards of this folder: `from load import load`, then `for sample in load(): ...`."""

import json
from collections.abc import Iterator
from pathlib import Path

import webdataset

FOLDER = Path(__file__).resolve().parent


def load() -> Iterator[dict]:
    """Yields the records in order. Each has its encoded images as `images`, in the order of the names in `image`.

    A record without images has no `image`.
    """
    shards = sorted(str(path) for path in FOLDER.glob("shard-*.tar"))
    for sample in webdataset.WebDataset(shards, shardshuffle=False):
        record = json.loads(sample["json"])
        names = [name.split(".", 1)[1] for name in record.get("image", [])]
        yield {**record, "images": [sample[name] for name in names]}

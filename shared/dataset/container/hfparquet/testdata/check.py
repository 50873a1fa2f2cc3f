"""Compares subsets with their sources, both read with pyarrow and datasets.

It reads a list of [source, subset, [number of a row...]] in JSON.
"""

import json
import sys

import datasets
import pyarrow as pa
import pyarrow.parquet as pq


def check(source: str, subset: str, rows: list[int]) -> None:
    whole, part = pq.ParquetFile(source), pq.ParquetFile(subset)
    assert whole.schema_arrow.equals(part.schema_arrow, check_metadata=True), (whole.schema_arrow, part.schema_arrow)
    assert whole.schema.equals(part.schema), (whole.schema, part.schema)
    # The first line has an address.
    assert str(whole.schema).split("\n")[1:] == str(part.schema).split("\n")[1:], (whole.schema, part.schema)
    assert repr(part.read().to_pylist()) == repr(whole.read().take(rows).to_pylist())
    for group in range(part.metadata.num_row_groups):
        for column in range(part.metadata.num_columns):
            chunk = part.metadata.row_group(group).column(column)
            assert chunk.has_offset_index and chunk.has_column_index, chunk
    if any(pa.types.is_map(field.type) for field in whole.schema_arrow):
        return  # datasets has no maps
    features, seen_rows = load(source, False)
    for streaming in (False, True):
        assert load(subset, streaming) == (features, [seen_rows[i] for i in rows]), subset


def load(path: str, streaming: bool) -> tuple:
    """Returns the features and the rows of a file."""
    loaded = datasets.load_dataset("parquet", data_files=path, split="train", streaming=streaming)
    return loaded.features, [{key: seen(value) for key, value in row.items()} for row in loaded]


def seen(value: object) -> object:
    """Returns a value to compare. For an image, these are its pixels."""
    if isinstance(value, list):
        return [seen(v) for v in value]
    return (value.size, value.tobytes()) if hasattr(value, "tobytes") else repr(value)


datasets.disable_progress_bars()
for case in json.load(sys.stdin):
    check(*case)

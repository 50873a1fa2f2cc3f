"""Makes the files of this folder: see README.md.

For each NAME.parquet it writes NAME.json: the rows as pyarrow reads them, in the JSON that Harvest makes of them, and
of the binary values of each row their SHA-256.
"""

import datetime
import decimal
import hashlib
import io
import json
import math
import pathlib
import re

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw

HERE = pathlib.Path(__file__).parent


def picture(number: int, kind: str = "PNG") -> bytes:
    """Returns a small picture, a different one for each number."""
    image = Image.new("RGB", (24 + number, 16), (40 * number % 256, 90, 160))
    ImageDraw.Draw(image).ellipse((2, 2, 6 + number, 12), fill=(250, 200, 10 * number % 256))
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def as_record(value: object, field: pa.DataType, values: list[str]) -> object:
    """Returns a value as in Harvest's JSON. Binary values are replaced by their numbers."""
    if value is None or isinstance(value, float) and not math.isfinite(value):
        return None
    if pa.types.is_struct(field):
        names = [field.field(i).name for i in range(field.num_fields)]
        data = "bytes" in names and pa.types.is_binary(field.field("bytes").type)
        record = {n: as_record(value[n], field.field(n).type, values) for n in names if not (data and n == "bytes")}
        if data and value["bytes"] is not None:
            record["embedded"] = embed(value["bytes"], values)
        elif data and all(v is None for v in record.values()):
            return None
        return record
    if pa.types.is_list(field) or pa.types.is_large_list(field):
        return [as_record(v, field.value_type, values) for v in value]
    if pa.types.is_map(field):
        return {k: as_record(v, field.item_type, values) for k, v in value}
    if pa.types.is_binary(field):
        return {"path": None, "embedded": embed(value, values)}
    if isinstance(field, pa.JsonType):
        return json.loads(value)
    if pa.types.is_decimal(field):
        return float(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return re.sub(r"(\.\d*?)0+(?=Z|$)", r"\1", value.isoformat().replace("+00:00", "Z"))
    return value


def embed(data: bytes, values: list[str]) -> int:
    values.append(hashlib.sha256(data).hexdigest())
    return len(values) - 1


def note(name: str) -> None:
    """Writes the expected content of a file."""
    table = pq.read_table(HERE / f"{name}.parquet")
    rows = []
    for row in table.to_pylist():
        values: list[str] = []
        record = {f.name: as_record(row[f.name], f.type, values) for f in table.schema}
        rows.append({"record": record, "values": values})
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (HERE / f"{name}.json").write_text(f"[\n{lines}\n]\n")


def conversation(number: int) -> list[dict]:
    return [{"from": "human", "value": f"<image>\nWhat is in picture {number}?"},
            {"from": "gpt", "value": f"An ellipse, \"yellow\"; {number} of them? Ünïcode ☃."}]


def write_datasets() -> None:
    """Writes files with Hugging Face's datasets library."""
    image = datasets.Image()
    llava = datasets.Dataset.from_dict({
        "id": [f"a{i}" for i in range(6)],
        "image": [{"bytes": picture(i), "path": f"a{i}.png" if i % 2 else None} if i != 3 else None for i in range(6)],
        "conversations": [conversation(i) if i != 3 else conversation(i)[1:] * 2 for i in range(6)],
        "data_source": ["drawn", "drawn", "drawn", "text", "drawn", "drawn"],
    }, features=datasets.Features({
        "id": datasets.Value("string"), "image": image,
        "conversations": datasets.List({"from": datasets.Value("string"), "value": datasets.Value("string")}),
        "data_source": datasets.Value("string"),
    }))
    llava.to_parquet(HERE / "llava.parquet")
    texts = [[{"user": f"Question {i}.{k}?", "assistant": f"Answer {i}.{k}.", "source": "drawn"}
              for k in range(1 + i % 3)] for i in range(5)]
    images = [[{"bytes": picture(10 * i + k), "path": None} for k in range(i % 3)] for i in range(5)]
    text = {key: datasets.Value("string") for key in ("user", "assistant", "source")}
    datasets.Dataset.from_dict({"images": images, "texts": texts}, features=datasets.Features({
        "images": datasets.List(image), "texts": datasets.List(text),
    })).to_parquet(HERE / "cauldron.parquet", batch_size=2)
    del text["source"]
    for row in texts:
        for turn in row:
            del turn["source"]
    datasets.Dataset.from_dict({
        "images": images, "texts": texts, "source": ["drawn"] * 5,
        "relevance_ratings": [[5] * len(row) for row in texts], "relevance_min": [5] * 5,
    }, features=datasets.Features({
        "images": datasets.List(image), "texts": datasets.List(text), "source": datasets.Value("string"),
        "relevance_ratings": datasets.List(datasets.Value("int64")), "relevance_min": datasets.Value("int64"),
    })).to_parquet(HERE / "finevision.parquet")
    part = {"index": datasets.Value("int64"), "text": datasets.Value("string"), "type": datasets.Value("string")}
    datasets.Dataset.from_dict({
        "messages": [[
            {"role": "user", "content": [{"index": None, "text": f"Question {i}?", "type": "text"},
                                         {"index": 0, "text": None, "type": "image"}]},
            {"role": "assistant", "content": [{"index": None, "text": f"Answer {i}.", "type": "text"}]},
        ] for i in range(4)],
        "images": [[{"bytes": picture(20 + i, "JPEG"), "path": None}] for i in range(4)],
    }, features=datasets.Features({
        "messages": datasets.List({"content": datasets.List(part), "role": datasets.Value("string")}),
        "images": datasets.List(image),
    })).to_parquet(HERE / "vsft.parquet")


def write_json() -> None:
    """Writes columns of two types, which datasets keeps as JSON, and images that are files."""
    datasets.Dataset.from_list([
        {"id": 1, "image": "coco/a.jpg", "conversations": conversation(1)},
        {"id": "x", "image": ["coco/a.jpg", "coco/b.jpg"], "conversations": conversation(2)},
    ], on_mixed_types="use_json").to_parquet(HERE / "json.parquet")


def llava_table() -> pa.Table:
    return pq.read_table(HERE / "llava.parquet")


def write_pyarrow() -> None:
    """Writes the same rows in the formats of other writers."""
    old = pa.concat_tables([llava_table()] * 3)
    pq.write_table(old, HERE / "item.parquet", use_compliant_nested_type=False, version="1.0", compression="snappy",
                   row_group_size=7, use_dictionary=["data_source", "conversations.list.item.from"])
    pq.write_table(old, HERE / "nostats.parquet", compression="gzip", write_statistics=False, data_page_version="2.0")
    pq.write_table(old, HERE / "brotli.parquet", compression="brotli", use_dictionary=True, row_group_size=4,
                   write_page_index=True, write_batch_size=1, data_page_size=1)
    pq.write_table(old, HERE / "paths.parquet", compression="none", data_page_size=1, write_batch_size=2)
    pq.write_table(old.slice(0, 2), HERE / "lz4.parquet", compression="lz4")
    pq.write_table(old.slice(0, 0), HERE / "empty.parquet")


def write_split() -> None:
    """Writes rows that are in several pages."""
    rows = [{"numbers": list(range(i % 9)), "images": [
        {"bytes": f"{i}.{k}".encode() * k, "path": None if k % 2 else f"{k}"} for k in range(i % 7)
    ]} for i in range(40)]
    pq.write_table(pa.Table.from_pylist(rows), HERE / "split.parquet", write_batch_size=2, data_page_size=1,
                   use_dictionary=False, row_group_size=25)


def write_types() -> None:
    """Writes columns of all types."""
    utc = datetime.timezone.utc
    moment = datetime.datetime(2024, 2, 29, 12, 30, 1, 250000)
    columns = {
        "bool": pa.array([True, None, False, True]),
        "int8": pa.array([-1, 2, None, 127], pa.int8()),
        "uint32": pa.array([1, 4_000_000_000, None, 0], pa.uint32()),
        "uint64": pa.array([1, 18_000_000_000_000_000_000, None, 0], pa.uint64()),
        "int64": pa.array([-(2**60), 0, 7, 8], pa.int64()),
        "float": pa.array([0.5, float("nan"), None, -2.25], pa.float32()),
        "double": pa.array([1e-9, 1e300, float("inf"), 0.1]),
        "half": pa.array([0.5, -2.0, None, 65504.0], pa.float16()),
        "text": pa.array(["\"quoted\"\n\ttab \\ \x01", "", None, "☃ <b>&"]),
        "category": pa.array(["a", "b", "a", None]).dictionary_encode(),
        "date": pa.array([datetime.date(1969, 12, 31), None, datetime.date(2024, 2, 29), datetime.date(1, 1, 1)]),
        "time": pa.array([datetime.time(1, 2, 3), None, datetime.time(23, 59, 59, 500000), datetime.time(0)]),
        "stamp": pa.array([moment, None, datetime.datetime(1960, 1, 1), moment], pa.timestamp("us")),
        "stamp_utc": pa.array([moment.replace(tzinfo=utc), None, None, moment.replace(tzinfo=utc)],
                              pa.timestamp("ms", tz="UTC")),
        "decimal": pa.array([decimal.Decimal("-12.50"), None, decimal.Decimal("0.07"), decimal.Decimal("99999.99")],
                            pa.decimal128(20, 2)),
        "nested": pa.array([[[1, 2], [], None, [3]], None, [], [[4]]], pa.list_(pa.list_(pa.int32()))),
        "map": pa.array([[("a", 1), ("b", None)], None, [], [("c", 3)]], pa.map_(pa.string(), pa.int32())),
        "struct": pa.array([{"x": 1, "y": ["p", None]}, None, {"x": None, "y": None}, {"x": 4, "y": []}]),
        "bare": pa.array([b"\x00\x01", None, b"", b"four"], pa.binary()),
        "bares": pa.array([[b"1", None, b"2"], [], None, [b"3"]], pa.list_(pa.binary())),
        "files": pa.array([[{"bytes": b"one", "path": "1"}, None, {"bytes": None, "path": "2"}], [], None,
                           [{"bytes": None, "path": None}, {"bytes": b"two", "path": None}]],
                          pa.list_(pa.struct([("bytes", pa.binary()), ("path", pa.string())]))),
    }
    table = pa.table(columns)
    pq.write_table(table, HERE / "types.parquet", compression="zstd", store_decimal_as_integer=True)
    encodings = {"int64": "DELTA_BINARY_PACKED", "text": "DELTA_BYTE_ARRAY", "double": "BYTE_STREAM_SPLIT",
                 "bool": "RLE", "half": "BYTE_STREAM_SPLIT", "stamp": "DELTA_BINARY_PACKED",
                 "int8": "DELTA_BINARY_PACKED", "bare": "DELTA_LENGTH_BYTE_ARRAY"}
    pq.write_table(table, HERE / "encodings.parquet", compression="gzip", use_dictionary=False, data_page_version="2.0",
                   column_encoding=encodings, use_deprecated_int96_timestamps=False, row_group_size=3)
    pq.write_table(table.select(["stamp", "text"]), HERE / "int96.parquet", use_deprecated_int96_timestamps=True)


if __name__ == "__main__":
    write_datasets()
    write_json()
    write_split()
    write_pyarrow()
    write_types()
    for path in sorted(HERE.glob("*.parquet")):
        if path.stem != "lz4":
            note(path.stem)

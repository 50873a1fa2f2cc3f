"""Measures how much annotated samples of new sources raise the agreement.

It adds N samples of each source to the embedded weights (`harvest train --add`), measures the agreement on the other
samples, and repeats this for some random draws.

python3 newsources.py --bin harvest --annotations dev2.jsonl --images pool2/images --draws 5 pool2/dataset.json
"""

import argparse
import collections
import json
import pathlib
import random
import statistics
import subprocess
import tempfile

FIGURES = ["Spearman", "QW kappa", "within source", "styles F1", "value at 10 %", "value at 30 %",
           "source means: Spearman", "QW kappa"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", default="harvest")
    parser.add_argument("--annotations", required=True)
    parser.add_argument("--images", required=True)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--each", default="0,3,5,10,20")
    parser.add_argument("--alone", default="", help="also these N, with each source as its own pool, one draw each")
    parser.add_argument("manifest")
    args = parser.parse_args()
    records = json.loads(pathlib.Path(args.manifest).read_text())
    source = {r["id"]: r["data_source"] for r in records}
    annotations = [json.loads(line) for line in open(args.annotations)]
    header("of each source")
    for each in map(int, args.each.split(",")):
        row(each, [measure(args, annotations, source, each, draw) for draw in range(args.draws)])
    if not args.alone:
        return
    pools = [[a for a in annotations if source[a["id"]] == name] for name in sorted(set(source.values()))]
    header("of one source alone: mean over sources")
    for each in map(int, args.alone.split(",")):
        row(each, [measure(args, pool, source, each, 0) for pool in pools if len(pool) >= each + 20])


def header(name: str) -> None:
    print(f"| {name} | " + " | ".join(FIGURES) + " |\n" + "| --- " * (len(FIGURES) + 1) + "|")


def row(each: int, drawn: list[list[float | None]]) -> None:
    """Prints the mean, least and largest value of each figure; undefined figures are left out."""
    cells = []
    for column in zip(*drawn, strict=True):
        values = [v for v in column if v is not None]
        cells.append(f"{statistics.mean(values):.2f} ({min(values):.2f} to {max(values):.2f})" if values else "-")
    print(f"| {each} | " + " | ".join(cells) + " |", flush=True)


def measure(args: argparse.Namespace, annotations: list, source: dict, each: int, draw: int) -> list[float | None]:
    """Adds the samples of a draw, and returns the figures of the other samples."""
    shuffled = list(annotations)
    random.Random(draw).shuffle(shuffled)
    taken = collections.Counter()
    own, rest = [], []
    for a in shuffled:
        taken[source[a["id"]]] += 1
        (own if taken[source[a["id"]]] <= each else rest).append(a)
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        scorer = "embedded"
        data = ["--images", args.images, args.manifest]
        if own:
            write(place / "own.jsonl", own)
            run(args.bin, "train", "--quiet", "--add", place / "own.jsonl", "--out", place / "own.zst", *data)
            scorer = f"embedded:{place / 'own.zst'}"
        write(place / "rest.jsonl", rest)
        report = run(args.bin, "evaluate", "--quiet", "--json", "--state", place / "state", "--scorer", scorer,
                     "--annotations", place / "rest.jsonl", *data)
    r = json.loads(report)
    return [r["mean"]["spearman"], r["mean"]["qwk"], r["within_source"]["spearman"], r["styles"]["micro_f1"],
            r["selection_value"]["0.1"], r["selection_value"]["0.3"], r["source_mean"]["spearman"],
            r["source_mean"]["qwk"]]


def write(path: pathlib.Path, annotations: list) -> None:
    path.write_text("".join(json.dumps(a) + "\n" for a in annotations))


def run(*command: object) -> str:
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()

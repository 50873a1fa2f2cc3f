"""Measures what annotated samples of each source of one's own gain: adds N of each to the embedded weights
(`harvest train --add`) and measures the others, for some draws.

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
    parser.add_argument("manifest")
    args = parser.parse_args()
    records = json.loads(pathlib.Path(args.manifest).read_text())
    source = {r["id"]: r["data_source"] for r in records}
    annotations = [json.loads(line) for line in open(args.annotations)]
    print("| of each source | " + " | ".join(FIGURES) + " |\n" + "| --- " * (len(FIGURES) + 1) + "|")
    for each in map(int, args.each.split(",")):
        drawn = [measure(args, annotations, source, each, draw) for draw in range(args.draws)]
        cells = []
        for values in zip(*drawn, strict=True):
            cells.append(f"{statistics.mean(values):.2f} ({min(values):.2f} to {max(values):.2f})")
        print(f"| {each} | " + " | ".join(cells) + " |", flush=True)


def measure(args: argparse.Namespace, annotations: list, source: dict, each: int, draw: int) -> list[float]:
    """Adds samples of a draw, and returns the figures of those that are in no draw of this size."""
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
        said = run(args.bin, "evaluate", "--quiet", "--json", "--state", place / "state", "--scorer", scorer,
                   "--annotations", place / "rest.jsonl", *data)
    r = json.loads(said)
    return [r["mean"]["spearman"], r["mean"]["qwk"], r["within_source"]["spearman"], r["styles"]["micro_f1"],
            r["selection_value"]["0.1"], r["selection_value"]["0.3"], r["source_mean"]["spearman"],
            r["source_mean"]["qwk"]]


def write(path: pathlib.Path, annotations: list) -> None:
    path.write_text("".join(json.dumps(a) + "\n" for a in annotations))


def run(*command: object) -> str:
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Prints one table of arms from the samples that lmms-eval logs, with a paired bootstrap against a reference arm.

    python3 table.py RESULTS [--against random-1] [--resamples 2000] [--seed 0]

RESULTS has a folder for each arm with the output of `lmms_eval --log_samples`. Each task counts the same. A difference
is that of the same questions in both arms: questions are drawn anew within each task.
"""

import argparse
import json
import pathlib
import random
import sys


def metrics(file: pathlib.Path) -> dict[str, str]:
    """Returns the metric of each task."""
    return dict(line.split() for line in file.read_text().splitlines() if line.strip())


def score(value: object) -> float:
    """Returns the value of a metric of a sample: a number, true or false, or an object with a score."""
    if isinstance(value, dict):
        value = value["score"]
    return float(value)


def read_arm(folder: pathlib.Path, metric: dict[str, str]) -> dict[str, dict[str, float]]:
    """Returns the scores of an arm by task and question. If a task was run several times, only the last run counts."""
    scores: dict[str, dict[str, float]] = {}
    for file in sorted(folder.rglob("*_samples_*.jsonl"), key=lambda f: f.name):
        task = file.name.split("_samples_", 1)[1].removesuffix(".jsonl")
        if task not in metric:
            continue
        scores[task] = {}
        for number, line in enumerate(file.read_text().splitlines(), 1):
            sample = json.loads(line)
            if metric[task] not in sample:
                raise ValueError(f"{file}:{number}: it lacks metric {metric[task]}, which tasks.txt names for {task}")
            scores[task][str(sample["doc_id"])] = score(sample[metric[task]])
    return scores


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def average(scores: dict[str, dict[str, float]]) -> float:
    """Returns the mean of the tasks' means."""
    return mean([mean(list(questions.values())) for questions in scores.values()])


def difference(arm: dict, reference: dict, resamples: int, seed: int) -> tuple[float, float, float]:
    """Returns the difference of the averages, and its 95 % interval (paired bootstrap within tasks)."""
    rng = random.Random(seed)
    paired = []
    for task in sorted(arm):
        if set(arm[task]) != set(reference[task]):
            raise ValueError(f"{task}: the two arms have different questions; evaluate both on the same questions")
        paired.append([arm[task][q] - reference[task][q] for q in sorted(arm[task])])
    drawn = sorted(mean([mean(rng.choices(task, k=len(task))) for task in paired]) for _ in range(resamples))
    low, high = drawn[int(0.025 * resamples)], drawn[min(int(0.975 * resamples), resamples - 1)]
    return mean([mean(task) for task in paired]), low, high


def table(arms: dict[str, dict], against: str, resamples: int, seed: int) -> str:
    tasks = sorted(arms[against])
    head = ["arm", *tasks, "average", f"against {against}", "95 %"]
    rows = [head, ["---"] * len(head)]
    for name, scores in sorted(arms.items(), key=lambda item: -average(item[1])):
        cells = [f"{100 * mean(list(scores[task].values())):.1f}" for task in tasks]
        row = [name, *cells, f"{100 * average(scores):.2f}"]
        if name == against:
            row += ["", ""]
        else:
            middle, low, high = difference(scores, arms[against], resamples, seed)
            row += [f"{100 * middle:+.2f}", f"{100 * low:+.2f} to {100 * high:+.2f}"]
        rows.append(row)
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=pathlib.Path)
    parser.add_argument("--against", default="random-1")
    parser.add_argument("--resamples", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tasks", type=pathlib.Path, default=pathlib.Path(__file__).with_name("tasks.txt"))
    given = parser.parse_args(arguments)
    metric = metrics(given.tasks)
    arms = {f.name: read_arm(f, metric) for f in sorted(given.results.iterdir()) if f.is_dir()}
    arms = {name: scores for name, scores in arms.items() if scores}
    if given.against not in arms:
        print(f"table.py: --against {given.against}: there are {', '.join(arms) or 'no arms'}", file=sys.stderr)
        return 2
    for name, scores in arms.items():
        if set(scores) != set(arms[given.against]):
            missing = ", ".join(sorted(set(scores) ^ set(arms[given.against])))
            print(f"table.py: {name}: {missing}: only one of the two arms has it", file=sys.stderr)
            return 1
    print(table(arms, given.against, given.resamples, given.seed))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

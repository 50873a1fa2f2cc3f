"""Tests table.py with invented results."""

import contextlib
import io
import json
import pathlib
import random
import tempfile
import unittest

import table


def write(folder: pathlib.Path, arm: str, chance: float, date: str = "20260101_000000", seed: int = 1) -> None:
    """Writes results of an arm. With equal seeds, a better arm is correct on all questions of a worse arm."""
    model = folder / arm / "model"
    model.mkdir(parents=True, exist_ok=True)
    luck = random.Random(seed)
    for task, shape in {"ai2d": float, "pope": lambda hit: {"score": float(hit)}, "chartqa": bool}.items():
        metric = table.metrics(pathlib.Path(table.__file__).with_name("tasks.txt"))[task]
        lines = [json.dumps({"doc_id": i, metric: shape(luck.random() < chance)}) for i in range(400)]
        (model / f"{date}_samples_{task}.jsonl").write_text("\n".join(lines) + "\n")


class TableTest(unittest.TestCase):
    def run_table(self, folder: pathlib.Path, *arguments: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = table.main([str(folder), "--resamples", "200", *arguments])
        return status, out.getvalue(), err.getvalue()

    def test_table(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            write(folder, "random-1", 0.5)
            write(folder, "mmssr", 0.6)
            write(folder, "longest", 0.0, date="20250101_000000")  # an earlier run of the arm, which does not count
            write(folder, "longest", 0.5, seed=2)
            status, text, _ = self.run_table(folder)
            self.assertEqual(status, 0)
            rows = {row.split("|")[1].strip(): [c.strip() for c in row.split("|")[2:-1]] for row in text.splitlines()}
            self.assertEqual(list(rows)[2], "mmssr")
            low, high = (float(end) for end in rows["mmssr"][-1].split(" to "))
            self.assertTrue(5 < low < 10 < high < 15, rows["mmssr"])  # correct wherever random-1 is correct
            low, high = (float(end) for end in rows["longest"][-1].split(" to "))
            self.assertTrue(low < 0 < high, rows["longest"])
            self.assertEqual(rows["random-1"][-2:], ["", ""])
            self.assertEqual(self.run_table(folder), self.run_table(folder))

    def test_refuses(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            write(folder, "random-1", 0.5)
            self.assertEqual(self.run_table(folder, "--against", "full")[0], 2)
            write(folder, "mmssr", 0.5)
            (folder / "mmssr" / "model" / "20260101_000000_samples_pope.jsonl").unlink()
            status, _, err = self.run_table(folder)
            self.assertEqual((status, "pope" in err), (1, True))
            bad = folder / "mmssr" / "model" / "20260101_000000_samples_pope.jsonl"
            bad.write_text(json.dumps({"doc_id": 0, "other": 1}) + "\n")
            with self.assertRaisesRegex(ValueError, "pope_accuracy"):
                self.run_table(folder)


if __name__ == "__main__":
    unittest.main()

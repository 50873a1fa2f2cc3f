"""Checks the lengths of files, functions and lines of the code that git tracks.

It prints each place that is over a limit:

lines PATH NUMBER                 lines of a file
function PATH:NAME NUMBER         lines of a function
wide PATH NUMBER                  how many lines of a file have more than 120 columns
"""

import ast
import pathlib
import re
import subprocess
import sys

SOURCE_LINES, TEST_LINES, FUNCTION_LINES, COLUMNS = 350, 600, 60, 120


def main() -> None:
    """Prints the places that are over a limit. Fails if there are any."""
    found = {}
    tracked = subprocess.run(["git", "ls-files", "-z"], check=True, capture_output=True, text=True).stdout.split("\0")
    for path in filter(pathlib.Path.is_file, map(pathlib.Path, filter(None, tracked))):
        found |= oversize(path)
    print(f"{len(found)} places are over a limit")
    if found:
        print(*(f"{place} {number}" for place, number in sorted(found.items())), sep="\n")
        sys.exit(f"limits: {SOURCE_LINES} lines a source file, {TEST_LINES} a test file, {FUNCTION_LINES} a function, "
                 f"{COLUMNS} columns")


def oversize(path: pathlib.Path) -> dict[str, int]:
    """Returns the places in one file that are over a limit, with their sizes."""
    kind = path.suffix
    if kind not in {".go", ".py", ".sh", ".tf"} and not (kind == "" and path.parent.name == ".ci"):
        return {}
    text = path.read_text()
    lines = text.splitlines()
    found = {f"wide {path}": sum(len(line) > COLUMNS for line in lines)}
    if kind in {".go", ".py"}:
        is_test = path.name.endswith("_test.go") or "tests" in path.parts[:-1]
        found[f"lines {path}"] = len(lines) if len(lines) > (TEST_LINES if is_test else SOURCE_LINES) else 0
        for name, number in python_functions(text) if kind == ".py" else go_functions(lines):
            if number > FUNCTION_LINES:
                found[f"function {path}:{name}"] = number
    return {place: number for place, number in found.items() if number > 0}


def python_functions(text: str) -> list[tuple[str, int]]:
    """Returns the name and the number of lines of each function, also inside classes and functions."""
    return [(node.name, node.end_lineno - node.lineno + 1) for node in ast.walk(ast.parse(text))
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def go_functions(lines: list[str]) -> list[tuple[str, int]]:
    """Returns the name and the number of lines of each function. gofmt does not indent their first and last lines."""
    found, start, raw = [], None, False
    for number, line in enumerate(lines):
        first = re.match(r"func (?:\(\w* ?\*?(\w+)[^)]*\) )?(\w+)", line)
        if first and start is None and not raw:
            name, start = ".".join(filter(None, first.groups())), number
        if start is not None and not raw and (line == "}" or number == start and line.endswith("}")):
            found.append((name, number - start + 1))
            start = None
        # An odd number of back quotes begins or ends a raw string, whose lines may look like code.
        raw ^= line.count("`") % 2 == 1
    return found


main()

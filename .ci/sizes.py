"""Checks the lengths of files, functions and lines of the code that git tracks.

python3 .ci/sizes.py            fails for what is over a limit and not on the list .ci/sizes.txt
python3 .ci/sizes.py --update   lowers and deletes entries of that list; it never adds or raises one

The list allows what was over a limit when the limits came; an entry goes when its place is fixed. Entries are

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
LIST = pathlib.Path(".ci/sizes.txt")


def main() -> None:
    """Compares what is over a limit with the list."""
    allowed = {}
    for line in LIST.read_text().splitlines():
        place, number = line.rsplit(" ", 1)
        allowed[place] = int(number)
    found = {}
    tracked = subprocess.run(["git", "ls-files", "-z"], check=True, capture_output=True, text=True).stdout.split("\0")
    for path in filter(pathlib.Path.is_file, map(pathlib.Path, filter(None, tracked))):
        found |= oversize(path)
    needed = {place: min(number, found[place]) for place, number in allowed.items() if place in found}
    if needed != allowed and "--update" in sys.argv:
        LIST.write_text("".join(f"{place} {number}\n" for place, number in sorted(needed.items())))
    elif needed != allowed:
        print(f"{LIST} allows more than is needed: run python3 .ci/sizes.py --update")
    faults = [f"{place} {number}" for place, number in sorted(found.items()) if number > allowed.get(place, 0)]
    print(f"{len(needed)} places over a limit are on the list, {len(faults)} are not")
    if faults:
        print(*faults, sep="\n")
        sys.exit(f"limits: {SOURCE_LINES} lines a source file, {TEST_LINES} a test file, {FUNCTION_LINES} a function, "
                 f"{COLUMNS} columns; an entry on {LIST} may not grow")


def oversize(path: pathlib.Path) -> dict[str, int]:
    """What is over a limit in one file, by place."""
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
    """Names and lines of all functions, those in classes and functions too."""
    return [(node.name, node.end_lineno - node.lineno + 1) for node in ast.walk(ast.parse(text))
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def go_functions(lines: list[str]) -> list[tuple[str, int]]:
    """Names and lines of functions and methods. gofmt puts their first and last lines at the margin."""
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

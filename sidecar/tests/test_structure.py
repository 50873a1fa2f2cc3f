"""The imports of modules have no cycle, and the service imports neither tools nor prompts."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOWER = {
    "core": {"core"},
    "service": {"core", "service"},
    "tools": {"core", "tools"},
    "finetune": {"core", "finetune"},
}
"""The parts that each part may import. `core` has all modules directly in sidecar/; tests may import all parts."""


def name_of(path: Path) -> str:
    parts = ["sidecar", *path.relative_to(ROOT).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {
    name_of(path): path
    for path in sorted(ROOT.rglob("*.py"))
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)  # a virtual environment
}


def imports(name: str) -> set[str]:
    """Returns the sidecar's modules that a module imports: at its top, in functions, or for type checkers only."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(FILES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = name if FILES[name].stem == "__init__" else name.rpartition(".")[0]
            parents = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            found.update(child if (child := f"{base}.{alias.name}") in FILES else base for alias in node.names)
    return found & FILES.keys() - {name}


def part_of(name: str) -> str:
    """Returns the part of a module: core, service, tools, finetune or tests."""
    parts = name.split(".")
    folder = parts[1] if len(parts) > 1 else ""
    return folder if folder in {*LOWER, "tests"} else "core"


GRAPH = {name: imports(name) for name in FILES}


def test_no_cycle() -> None:
    TopologicalSorter(GRAPH).prepare()


@pytest.mark.parametrize("name", [name for name in FILES if part_of(name) != "tests"])
def test_imports_point_downward(name: str) -> None:
    if name == "sidecar.__main__":
        assert GRAPH[name] == {"sidecar.service.main"}
        return
    above = {other for other in GRAPH[name] if part_of(other) not in LOWER[part_of(name)]}
    assert not above, f"{name} imports {above}"


def test_imports_of_every_kind_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probe = tmp_path / "probe.py"
    probe.write_text(
        "from typing import TYPE_CHECKING\nfrom sidecar import tokens\nfrom .. import images\nfrom . import bench\n"
        "if TYPE_CHECKING:\n    from sidecar.engine import Engine\n"
        "def late():\n    import sidecar.model\n    from ..runner import Runner\n"
    )
    monkeypatch.setitem(FILES, "sidecar.tools.probe", probe)
    seen = {"tokens", "images", "tools.bench", "engine", "model", "runner"}
    assert imports("sidecar.tools.probe") == {f"sidecar.{name}" for name in seen}


def test_the_service_does_not_read_the_rubric() -> None:
    readers = [name for name, path in FILES.items() if "rubric.json" in path.read_text() and name != __name__]
    assert [name for name in readers if part_of(name) != "tests"] == ["sidecar.tools.prompts"]

"""The locks have the versions of pyproject.toml and hashes; the container's lock has no package of a CUDA build."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNS = PROJECT["project"]["dependencies"]
TESTS = PROJECT["dependency-groups"]["dev"]


def locked(name: str) -> dict[str, str]:
    """Returns the version of each package in a lock. Each must have a hash."""
    found = {}
    for entry in re.split(r"\n(?=\S)", (ROOT / name).read_text().strip()):
        pin = re.match(r"([A-Za-z0-9_.-]+)==([^ ;\\]+)", entry)
        assert pin and "--hash=sha256:" in entry, entry[:80]
        found[pin[1].lower().replace("_", "-")] = pin[2]
    return found


@pytest.mark.parametrize(("name", "pins"), [("requirements.lock", RUNS), ("requirements-ci.lock", RUNS + TESTS)])
def test_pinned_packages_are_locked(name: str, pins: list[str]) -> None:
    versions = locked(name)
    asked = dict(pin.split("==") for pin in pins)
    if name == "requirements.lock":
        asked.pop("torch")
    assert {package: versions.get(package) for package in asked} == asked, "run .ci/lock"


def test_the_container_has_no_package_of_another_cuda_build() -> None:
    container, tests = locked("requirements.lock"), locked("requirements-ci.lock")
    assert not [package for package in container if re.match(r"(nvidia-|cuda-|triton$|torch$)", package)]
    assert container.items() <= tests.items(), "run .ci/lock: both have the same versions"

"""The locks have the versions of pyproject.toml, hashes, and all packages that torch needs for each version of CUDA."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNS = PROJECT["project"]["dependencies"]
TESTS = PROJECT["dependency-groups"]["dev"]
BUILDS = ["cu126", "cu130"]  # the values of TORCH_BUILD in the Dockerfile
OF_CUDA = re.compile(r"nvidia-|cuda-|triton$|torch$")
WHEEL = re.compile(r"(\S+) @ https://download\.pytorch\.org/\S+/torch-([^-]+)-cp312-\S+\.whl#sha256=([0-9a-f]{64})")


def locked(name: str) -> dict[str, str]:
    """Returns the version of each package in a lock. Each must have a hash; that of a URL is also in the URL."""
    found = {}
    for entry in re.split(r"\n(?=\S)", (ROOT / name).read_text().strip()):
        assert "--hash=sha256:" in entry, entry[:80]
        if url := WHEEL.match(entry):
            assert entry.split("--hash=sha256:")[1:] == [url[3]]
            found[url[1]] = url[2].replace("%2B", "+")
        else:
            pin = re.match(r"([A-Za-z0-9_.-]+)==([^ ;\\]+)", entry)
            assert pin, entry[:80]
            found[pin[1].lower().replace("_", "-")] = pin[2]
    return found


def container(build: str) -> dict[str, str]:
    """Returns the version of each package in the container. No package may be in both of its locks."""
    common, cuda = locked("requirements.lock"), locked(f"requirements-{build}.lock")
    assert not common.keys() & cuda.keys()
    assert not [package for package in common if OF_CUDA.match(package)]
    assert all(OF_CUDA.match(package) for package in cuda)
    return common | cuda


def test_pinned_packages_are_locked() -> None:
    versions = locked("requirements-ci.lock")
    asked = dict(pin.split("==") for pin in RUNS + TESTS)
    assert {package: versions.get(package) for package in asked} == asked, "run .ci/lock"


@pytest.mark.parametrize("build", BUILDS)
def test_the_container_has_the_tested_versions(build: str) -> None:
    versions, tested = container(build), locked("requirements-ci.lock")
    for pin in RUNS:
        package, version = pin.split("==")
        assert versions[package].split("+")[0] == version, "run .ci/lock"
    if build == "cu126":
        versions = {package: v for package, v in versions.items() if not re.match(r"nvidia-|cuda-|torch$", package)}
    assert versions.items() <= tested.items(), "run .ci/lock: both have the same versions"


def test_both_builds_have_the_same_packages() -> None:
    names = {build: {re.sub(r"-cu1[23]$", "", package) for package in container(build)} for build in BUILDS}
    assert names["cu126"] == names["cu130"]
    assert not [package for package in container("cu126") if package.endswith("-cu13")]
    assert not [package for package in container("cu130") if package.endswith("-cu12")]


def test_the_lock_has_what_the_wheel_of_pytorchs_index_requires() -> None:
    versions = container("cu126")
    (stated,) = PROJECT["tool"]["uv"]["dependency-metadata"]
    assert (stated["name"], stated["version"]) == ("torch", versions["torch"]), "update the requirements of the wheel"
    for requirement in map(Requirement, stated["requires-dist"]):
        assert requirement.specifier.contains(versions[requirement.name]), f"{requirement}: run .ci/lock"
    url, digest = PROJECT["dependency-groups"]["cu126"][0].split("#sha256=")
    assert f"{url}#sha256={digest} \\\n    --hash=sha256:{digest}\n" in (ROOT / "requirements-cu126.lock").read_text()


def test_every_file_of_the_image_is_checked_by_hash() -> None:
    text = (ROOT / "Dockerfile").read_text()
    installs = re.findall(r"pip (?:install|download).*", text)
    assert [line.rstrip(" \\") for line in installs] == [
        'pip install --require-hashes --no-deps -r requirements.lock -r "requirements-${TORCH_BUILD}.lock"'
    ]
    assert re.search(r"^ARG TORCH_BUILD=(\w+)$", text, re.MULTILINE)[1] in BUILDS

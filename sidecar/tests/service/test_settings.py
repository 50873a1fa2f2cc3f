"""Settings from the environment."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sidecar.protocol import Limits
from sidecar.service.settings import ConfigError, Settings, variables


@pytest.fixture
def checkpoint(tmp_path: Path) -> str:
    (tmp_path / "config.json").write_text("{}")
    return str(tmp_path)


def test_defaults_need_only_the_checkpoints(checkpoint: str) -> None:
    settings = Settings.from_env({"SIDECAR_SCORER_DIR": checkpoint, "SIDECAR_STYLER_DIR": checkpoint, "PATH": "/bin"})
    assert settings.directories == {"scorer": Path(checkpoint), "styler": Path(checkpoint)}
    assert settings.dtype == "fp16"
    assert settings.host == "127.0.0.1"
    assert settings.limits == Limits()


def test_one_model_needs_one_checkpoint(checkpoint: str) -> None:
    settings = Settings.from_env(
        {"SIDECAR_MODELS": "styler", "SIDECAR_STYLER_DIR": checkpoint, "SIDECAR_SCORER_DIR": ""}
    )
    assert settings.directories == {"styler": Path(checkpoint)}


def test_every_field_has_its_variable(checkpoint: str) -> None:
    settings = Settings.from_env(
        {
            "SIDECAR_SCORER_DIR": checkpoint,
            "SIDECAR_MODELS": "scorer",
            "SIDECAR_DTYPE": "bf16",
            "SIDECAR_DEVICE": "cuda",
            "SIDECAR_MAX_ITEMS": "7",
            "SIDECAR_MAX_NEW_TOKENS": "9",
            "SIDECAR_QUEUE": "0",
            "SIDECAR_GRACE_SECONDS": "1.5",
        }
    )
    assert (settings.dtype, settings.device, settings.queue, settings.grace_seconds) == ("bf16", "cuda", 0, 1.5)
    assert (settings.limits.items, settings.limits.new_tokens) == (7, 9)


def test_all_faults_are_reported_together(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        Settings.from_env(
            {
                "SIDECAR_SCORER_DIR": str(tmp_path),
                "SIDECAR_DTYPE": "int4",
                "SIDECAR_PORT": "http",
                "SIDECAR_MAX_ITEMS": "0",
                "SIDECAR_MAX_PIXEL": "5",
            }
        )
    lines = str(caught.value).splitlines()
    assert [line.split("=")[0].split(":")[0] for line in lines] == [
        "SIDECAR_MAX_PIXEL",
        "SIDECAR_DTYPE",
        "SIDECAR_PORT",
        "SIDECAR_MAX_ITEMS",
        "SIDECAR_SCORER_DIR",
        "SIDECAR_STYLER_DIR",
    ]
    assert "unknown variable" in lines[0]
    assert "not a checkpoint, because it has no config.json" in lines[4]


def test_the_readme_lists_every_variable() -> None:
    table = (Path(__file__).parents[2] / "README.md").read_text().split("## Environment")[1].split("\n## ")[0]
    listed = set(re.findall(r"^\| (.*?) \|", table, re.MULTILINE))
    assert {name for cell in listed for name in re.findall(r"SIDECAR_\w+", cell)} == set(variables())

"""Reads the settings of the service from the environment. All faults are reported together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sidecar.config import Device, Dtype, EngineConfig, Fast
from sidecar.protocol import Limits

PREFIX = "SIDECAR_"


class ConfigError(ValueError):
    """The environment is invalid. The message has one line for each fault."""


class Settings(BaseModel):
    """The settings of one process. `variables` returns the field of each environment variable."""

    model_config = ConfigDict(frozen=True)

    models: Literal["scorer", "styler", "both"] = "both"
    scorer_dir: Path | None = None
    styler_dir: Path | None = None
    device: Device = EngineConfig.device
    dtype: Dtype = EngineConfig.dtype
    pack_tokens: int | None = Field(default=EngineConfig.pack_tokens, ge=1024)
    kv_bytes: int | None = Field(default=EngineConfig.kv_bytes, ge=1 << 20)
    fast: Fast = EngineConfig.fast
    kernels: Path | None = None
    threads: int = Field(default_factory=lambda: min(8, os.cpu_count() or 1), ge=1, le=256)
    host: str = "127.0.0.1"
    port: int = Field(default=8700, ge=0, le=65535)
    queue: int = Field(default=4, ge=0, le=1024)
    body_seconds: float = Field(default=60.0, gt=0)
    token: str = Field(default="", repr=False)
    grace_seconds: float = Field(default=300.0, gt=0)
    limits: Limits = Limits()

    @property
    def directories(self) -> dict[str, Path]:
        """The directory of each model to load."""
        both = {"scorer": self.scorer_dir, "styler": self.styler_dir}
        return {name: path for name, path in both.items() if path is not None and self.models in (name, "both")}

    def advised(self, advice: Mapping[str, int]) -> Limits:
        """Returns the limits. Limits that the environment does not set have the values of the engine's advice."""
        given = self.limits.model_fields_set
        taken = {name: value for name, value in advice.items() if name not in given}
        if "batch" in taken:
            taken["batch"] = min(taken["batch"], self.limits.items)
        if "in_flight" in taken:
            taken["in_flight"] = min(taken["in_flight"], self.queue + 1)
        return self.limits.model_copy(update=taken)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Reads the environment. An empty variable counts as unset. Raises ConfigError with all faults."""
        fields = variables()
        given = {k.upper(): v for k, v in environ.items() if k.startswith(PREFIX) and v != ""}
        faults = [f"{name}: unknown variable; remove it, or correct the name" for name in sorted(given.keys() - fields)]
        known = {name: given[name] for name in fields if name in given}
        try:
            settings = cls.model_validate(_tree(known))
        except ValidationError as error:
            bad = {_variable(e["loc"]): f"{_variable(e['loc'])}={e['input']!r}: {e['msg']}" for e in error.errors()}
            faults += bad.values()
            # The other checks use the valid variables, so that one start reports all faults.
            settings = cls.model_validate(_tree({k: v for k, v in known.items() if k not in bad}))
        faults += settings._pack_faults() + settings._directory_faults()
        if faults:
            raise ConfigError("\n".join(faults))
        return settings

    def _pack_faults(self) -> list[str]:
        longest = self.limits.tokens
        if self.pack_tokens is None or longest <= self.pack_tokens:
            return []
        return [f"{PREFIX}MAX_TOKENS={longest}: it must not exceed {PREFIX}PACK_TOKENS={self.pack_tokens}"]

    def _directory_faults(self) -> list[str]:
        faults = []
        for model, path in {"SCORER": self.scorer_dir, "STYLER": self.styler_dir}.items():
            if self.models not in (model.lower(), "both"):
                continue
            if path is None:
                faults.append(f"{PREFIX}{model}_DIR: it is required by {PREFIX}MODELS={self.models}")
            elif not (path / "config.json").is_file():
                faults.append(f"{PREFIX}{model}_DIR={str(path)!r}: not a checkpoint, because it has no config.json")
        return faults


def variables() -> dict[str, tuple[str, ...]]:
    """Returns each variable with the path to its field. Names are `SIDECAR_<FIELD>`, and `SIDECAR_MAX_<LIMIT>`."""
    fields = [(name,) for name in Settings.model_fields if name != "limits"]
    paths = [*fields, *(("limits", name) for name in Limits.model_fields)]
    return {_variable(path): path for path in paths}


def _variable(path: tuple[str | int, ...]) -> str:
    return f"{PREFIX}MAX_{path[1]}".upper() if path[0] == "limits" else f"{PREFIX}{path[0]}".upper()


def _tree(given: Mapping[str, str]) -> dict[str, Any]:
    """Converts values by variable to values by field."""
    fields: dict[str, Any] = {"limits": {}}
    for variable, value in given.items():
        *outer, name = variables()[variable]
        (fields["limits"] if outer else fields)[name] = value
    return fields

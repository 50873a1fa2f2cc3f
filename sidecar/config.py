"""Settings of the service, read from the environment; every fault is told at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

PREFIX = "SIDECAR_"


class ConfigError(ValueError):
    """Every fault of the environment, one a line."""


class Limits(BaseModel):
    """What a request and an item may hold. Above the first two a request is refused whole, above the rest an item."""

    model_config = ConfigDict(frozen=True)

    items: int = Field(default=256, ge=1, description="items in a request")
    bytes: int = Field(default=64 << 20, ge=1 << 10, description="bytes of a request's body")
    images: int = Field(default=16, ge=0, description="images of an item")
    pixels: int = Field(
        default=100_000_000, ge=1, description="pixels of one image, told by its header before it is decoded"
    )
    queries: int = Field(default=64, ge=1, description="queries of an item")
    tokens: int = Field(default=8192, ge=64, description="positions of one prompt, an image counting as 730")
    new_tokens: int = Field(default=256, ge=1, description="largest max_tokens of a query")


class Settings(BaseModel):
    """One process's settings. `from_env` says which variable sets which."""

    model_config = ConfigDict(frozen=True)

    models: Literal["scorer", "styler", "both"] = "both"
    scorer_dir: Path | None = None
    styler_dir: Path | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    dtype: Literal["fp16", "bf16", "fp32"] = "fp16"
    pack_tokens: int = Field(default=16384, ge=1024)
    kv_bytes: int = Field(default=2 << 30, ge=1 << 20)
    threads: int = Field(default_factory=lambda: min(8, os.cpu_count() or 1), ge=1, le=256)
    host: str = "127.0.0.1"
    port: int = Field(default=8700, ge=0, le=65535)
    queue: int = Field(default=4, ge=0, le=1024)
    body_seconds: float = Field(default=60.0, gt=0)
    grace_seconds: float = Field(default=300.0, gt=0)
    max_items: int = Limits.model_fields["items"].default
    max_bytes: int = Limits.model_fields["bytes"].default
    max_images: int = Limits.model_fields["images"].default
    max_pixels: int = Limits.model_fields["pixels"].default
    max_queries: int = Limits.model_fields["queries"].default
    max_tokens: int = Limits.model_fields["tokens"].default
    max_new_tokens: int = Limits.model_fields["new_tokens"].default

    @property
    def limits(self) -> Limits:
        """The limits of the API, as `GET /v1/limits` tells them."""
        return Limits(**{name: getattr(self, f"max_{name}") for name in Limits.model_fields})

    @property
    def directories(self) -> dict[str, Path]:
        """Directory of each model that is to be loaded."""
        both = {"scorer": self.scorer_dir, "styler": self.styler_dir}
        return {name: path for name, path in both.items() if path is not None and self.models in (name, "both")}

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read `SIDECAR_<FIELD>` for every field; "" counts as unset. Raises ConfigError with all faults."""
        given = {k.removeprefix(PREFIX).lower(): v for k, v in environ.items() if k.startswith(PREFIX) and v != ""}
        faults = [f"{_name(k)}: no such setting" for k in sorted(given) if k not in cls.model_fields]
        known = {k: v for k, v in given.items() if k in cls.model_fields}
        try:
            settings = cls.model_validate(known)
        except ValidationError as error:
            bad = {str(e["loc"][0]) for e in error.errors()}
            faults += [f"{_name(str(e['loc'][0]))}={e['input']!r}: {e['msg']}" for e in error.errors()]
            # The remaining checks run on what is sound, so that one start tells all there is to mend.
            settings = cls.model_validate({k: v for k, v in known.items() if k not in bad})
        faults += settings._limit_faults() + settings._directory_faults()
        if faults:
            raise ConfigError("\n".join(faults))
        return settings

    def _limit_faults(self) -> list[str]:
        try:
            _ = self.limits
        except ValidationError as error:
            return [f"{_name('max_' + str(e['loc'][0]))}={e['input']!r}: {e['msg']}" for e in error.errors()]
        if self.max_tokens > self.pack_tokens:
            return [f"{_name('max_tokens')}={self.max_tokens}: above {_name('pack_tokens')}={self.pack_tokens}"]
        return []

    def _directory_faults(self) -> list[str]:
        faults = []
        for model in ("scorer", "styler"):
            if self.models not in (model, "both"):
                continue
            path: Path | None = getattr(self, f"{model}_dir")
            if path is None:
                faults.append(f"{_name(model + '_dir')}: required by {_name('models')}={self.models}")
            elif not (path / "config.json").is_file():
                faults.append(f"{_name(model + '_dir')}={str(path)!r}: no checkpoint: it holds no config.json")
        return faults


def _name(field: str) -> str:
    return PREFIX + field.upper()

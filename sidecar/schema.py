"""Requests and answers of the HTTP API. The OpenAPI document is made from these models."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from sidecar.config import Limits


def _decode(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("an image is a string of standard base64")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"not standard base64: {error}") from None


Image = Annotated[
    bytes,
    BeforeValidator(_decode),
    WithJsonSchema(
        {
            "type": "string",
            "contentEncoding": "base64",
            "pattern": r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
            "description": "An encoded image file (JPEG, PNG, …) in standard base64.",
        }
    ),
]


def _whole(value: object) -> object:
    # 1.0 is an integer to JSON Schema, and some clients have no other numbers.
    return int(value) if isinstance(value, float) and value.is_integer() else value


PositiveInteger = Annotated[int, Field(ge=1), BeforeValidator(_whole)]


class _Strict(BaseModel):
    # Lists below stop at their first fault: a hostile body of ten million bad entries must not become as many errors.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _absent_not_null(schema: dict[str, Any]) -> None:
    schema |= schema.pop("anyOf")[0]
    schema.pop("default")
    if schema["type"] == "array":
        schema["uniqueItems"] = True


class QueryIn(_Strict):
    """One question about an item: over `choices`, or to be answered in text of at most `max_tokens` tokens."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["choices"]}, {"required": ["max_tokens"]}]})

    model: Literal["scorer", "styler"]
    text: str = Field(description="The rest of the prompt: `prefix + text` is tokenised whole.")
    choices: list[str] | None = Field(
        default=None,
        min_length=1,
        max_length=256,
        fail_fast=True,
        description="Single tokens; the answer is their log-probabilities.",
        json_schema_extra=_absent_not_null,
    )
    max_tokens: PositiveInteger | None = Field(
        default=None, description="The answer is text, decoded greedily.", json_schema_extra=_absent_not_null
    )

    @model_validator(mode="after")
    def _one_kind(self) -> QueryIn:
        if (self.choices is None) == (self.max_tokens is None):
            raise ValueError("give either choices or max_tokens")
        if self.choices is not None and len(set(self.choices)) < len(self.choices):
            raise ValueError("choices holds one choice twice")
        return self


class ItemIn(_Strict):
    """One sample: its images in order, the shared head of its prompts, and what is asked about it."""

    images: list[Image] = Field(default=[], fail_fast=True, description="The k-th `<image>` of a prompt is image k.")
    prefix: str
    queries: list[QueryIn] = Field(min_length=1, fail_fast=True)


class ScoreRequest(_Strict):
    """A batch of items. Answers come in the same order and depend on each item alone."""

    items: list[ItemIn] = Field(min_length=1, fail_fast=True)


class ChoiceAnswer(BaseModel):
    """Answer to a query with choices."""

    logprobs: list[float] = Field(
        description="Log-probability of each choice over the full vocabulary, in the order given."
    )
    mass: float = Field(description="Total probability of the choices, 0 to 1.")
    argmax: str = Field(description="The full vocabulary's most likely token, as text.")
    argmax_id: int


class TextAnswer(BaseModel):
    """Answer to a query with max_tokens, decoded greedily."""

    text: str
    truncated: bool = Field(description="Whether max_tokens ended it, not an end-of-sequence token.")


class ItemAnswered(BaseModel):
    """An item that was answered: one answer per query, in order."""

    answers: list[ChoiceAnswer | TextAnswer]
    flags: list[str] = Field(description="`off_reference`: the reference implementation has no such sample.")


class Fault(BaseModel):
    """What went wrong, as a fixed code and a sentence."""

    code: str
    detail: str
    path: str | None = Field(default=None, description="The field at fault, such as `items[3].images[0]`.")


class ItemFailed(BaseModel):
    """An item that is itself at fault. Its neighbours are answered."""

    error: Fault


class ScoreResponse(BaseModel):
    """Answers in the order of the request's items, and the ids of the models that gave them."""

    models: dict[str, str]
    items: list[ItemAnswered | ItemFailed]


class ErrorResponse(BaseModel):
    """A request that was refused whole."""

    error: Fault


class ModelsResponse(BaseModel):
    """Id of each loaded model: a hash of everything that can change what it answers."""

    models: dict[str, str]


class HealthResponse(BaseModel):
    """`status` is `ready`, `loading`, `stopping` or `failed`."""

    status: str


LimitsResponse = Limits


class Malformed(Exception):
    """A body that is no ScoreRequest."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.detail)
        self.fault = fault


def parse(body: bytes) -> ScoreRequest:
    """Read a request's body, or raise Malformed naming the first field at fault."""
    try:
        return ScoreRequest.model_validate_json(body)
    except ValidationError as error:
        # The input is never echoed: it may be megabytes of base64.
        first: Any = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise Malformed(Fault(code="malformed", detail=first["msg"], path=field_path(first["loc"]) or None)) from None


def field_path(location: Iterable[str | int]) -> str:
    """('items', 3, 'images', 0) as `items[3].images[0]`."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path

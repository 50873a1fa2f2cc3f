"""Types and limits of `POST /v1/score`, for the service, the engine and the tools.

Items and answers are plain dataclasses. They are validated only when the JSON of a request is parsed. The OpenAPI
document is made from these types.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    WithJsonSchema,
    computed_field,
)

VERSION = 2
"""Version of the protocol. In version 1 a prompt was one string, in which `<image>` was the place of an image."""
MAX_CHOICES = 256
"""The most choices of a query."""
MAX_TOKEN_CHARACTERS = 256
"""No token of the released vocabulary has more characters. So a text that is too long can be refused before it is
tokenised: tokenising can take minutes."""
STOPPING = "stopping"
"""Code of an item that was not answered because the service stopped. Only requests with the header PARTIAL get it."""
PARTIAL = "Harvest-Partial"
"""Header of a request. If its value is `1` and the service stops, only the finished items are answered."""
ModelName = Literal["scorer", "styler"]


class Limits(BaseModel):
    """The limits of a request and of an item.

    A request above `items` or `bytes` is refused as a whole. An item above another limit is refused alone. `batch` and
    `in_flight` are advice to clients and are not enforced.
    """

    model_config = ConfigDict(frozen=True)

    items: int = Field(default=256, ge=1, description="items in a request")
    batch: int = Field(default=32, ge=1, description="items that a client should send in a request, if it has as many")
    in_flight: int = Field(default=2, ge=1, description="requests that a client should send concurrently")
    bytes: int = Field(default=64 << 20, ge=1 << 10, description="bytes of a request's body")
    images: int = Field(default=16, ge=0, description="images of an item")
    pixels: int = Field(default=100_000_000, ge=1, description="pixels of an image, according to its header")
    queries: int = Field(default=64, ge=1, description="queries of an item")
    tokens: int = Field(default=8192, ge=64, description="positions of one prompt; an image counts as 730")
    new_tokens: int = Field(default=256, ge=1, description="largest max_tokens of a query")

    @computed_field(description="choices of a query; more make a request invalid")  # type: ignore[prop-decorator]
    @property
    def choices(self) -> int:
        """The most choices of a query. The number is fixed, because the request's schema contains it."""
        return MAX_CHOICES

    @computed_field(description="characters of one prompt, before it is tokenised")  # type: ignore[prop-decorator]
    @property
    def characters(self) -> int:
        """The most characters of one prompt, before it is tokenised."""
        return self.tokens * MAX_TOKEN_CHARACTERS


def _decode(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("an image must be a string of standard base64")
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
    # 1.0 is an integer in JSON Schema, and some clients have only floating-point numbers.
    return int(value) if isinstance(value, float) and value.is_integer() else value


PositiveInteger = Annotated[int, Field(ge=1), BeforeValidator(_whole)]


def _absent_not_null(schema: dict[str, Any]) -> None:
    schema |= schema.pop("anyOf")[0]
    schema.pop("default")
    if schema["type"] == "array":
        schema["uniqueItems"] = True


# Validation of a list stops at its first fault. So a body with ten million invalid entries gives one error.
_STRICT = ConfigDict(extra="forbid", strict=True)
_ONE_KIND: dict[str, Any] = {"oneOf": [{"required": ["choices"]}, {"required": ["max_tokens"]}]}


@dataclass(frozen=True)
class Query:
    """One question about an item. The answer is the log-probabilities of `choices`, or a text of at most `max_tokens`
    tokens."""

    __pydantic_config__: ClassVar[ConfigDict] = {**_STRICT, "json_schema_extra": _ONE_KIND}

    model: ModelName
    text: Annotated[str, Field(description="The end of the prompt, after the `prefix`. It cannot hold an image.")]
    choices: Annotated[
        tuple[str, ...] | None,
        Field(
            min_length=1,
            max_length=MAX_CHOICES,
            fail_fast=True,
            description="Single tokens; the answer is their log-probabilities.",
            json_schema_extra=_absent_not_null,
        ),
    ] = None
    max_tokens: Annotated[
        PositiveInteger | None,
        Field(description="The answer is text, decoded greedily.", json_schema_extra=_absent_not_null),
    ] = None


def _one_kind(query: Query) -> Query:
    if (query.choices is None) == (query.max_tokens is None):
        raise ValueError("give either choices or max_tokens")
    if query.choices is not None and len(set(query.choices)) < len(query.choices):
        raise ValueError("choices must differ, but one is given twice")
    return query


@dataclass(frozen=True)
class Place:
    """A segment of a prefix: the place of an image of the item."""

    image: int


def _segment(value: object) -> str | Place:
    if isinstance(value, str) and value:
        return value
    if isinstance(value, dict) and value.keys() == {"image"}:
        image = _whole(value["image"])
        if isinstance(image, int) and not isinstance(image, bool) and image >= 0:
            return Place(image)
    raise ValueError('a segment must be a text that is not empty, or {"image": k}, the place of image k (from 0)')


Segment = Annotated[
    str | Place,
    PlainValidator(_segment),
    WithJsonSchema(
        {
            "oneOf": [
                {"type": "string", "minLength": 1, "description": "Text. The word `<image>` has no special meaning."},
                {
                    "type": "object",
                    "properties": {"image": {"type": "integer", "minimum": 0}},
                    "required": ["image"],
                    "additionalProperties": False,
                    "description": "The place of the image of this index in `images`.",
                },
            ]
        }
    ),
]


@dataclass(frozen=True)
class Item:
    """One sample: its images in order, the common beginning of its prompts, and its queries."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    images: Annotated[
        tuple[Image, ...], Field(default=(), fail_fast=True, description="In the order of their places in `prefix`.")
    ]
    prefix: Annotated[
        tuple[Segment, ...],
        Field(
            fail_fast=True,
            description="The beginning of all prompts. Each image has one place, in order. A prompt is the prefix and "
            "the text of a query; it is tokenised as a whole.",
        ),
    ]
    queries: Annotated[tuple[Annotated[Query, AfterValidator(_one_kind)], ...], Field(min_length=1, fail_fast=True)]

    def pieces(self) -> list[str]:
        """Returns the texts of the prefix before, between and after its images: one more than there are images."""
        pieces: list[list[str]] = [[]]
        for segment in self.prefix:
            if isinstance(segment, Place):
                pieces.append([])
            else:
                pieces[-1].append(segment)
        return ["".join(texts) for texts in pieces]

    def prompts(self, queries: Iterable[Query]) -> list[list[str]]:
        """Returns the prompt of each query, as the list of its texts before, between and after the images."""
        *before, last = self.pieces()
        return [[*before, last + query.text] for query in queries]


class ScoreRequest(BaseModel):
    """A batch of items. The answers have the same order, and each depends only on its item."""

    model_config = _STRICT

    items: list[Item] = Field(min_length=1, fail_fast=True)


@dataclass(frozen=True)
class Choice:
    """Answer to a query with choices."""

    logprobs: Annotated[
        tuple[float, ...],
        Field(description="Natural log-probability of each choice over the full vocabulary, in the order given."),
    ]
    mass: Annotated[float, Field(description="Total probability of the choices, 0 to 1.")]
    argmax: Annotated[str, Field(description="The full vocabulary's most likely token, as text.")]
    argmax_id: int


@dataclass(frozen=True)
class Text:
    """Answer to a query with max_tokens, decoded greedily."""

    text: str
    truncated: Annotated[bool, Field(description="Whether max_tokens ended the text, not an end-of-sequence token.")]


@dataclass(frozen=True)
class ItemAnswers:
    """The answers to one item: one for each query, in order."""

    answers: tuple[Choice | Text, ...]
    flags: Annotated[
        tuple[str, ...], Field(description="`off_reference`: the reference code cannot process such a sample.")
    ]


@dataclass(frozen=True)
class Fault:
    """A fault of a request or an item: a fixed code and a sentence. README.md lists the codes."""

    code: str
    detail: str
    path: Annotated[str | None, Field(description="The field at fault, such as `items[3].images[0]`.")] = None


class ErrorResponse(BaseModel):
    """A request was refused, or one item was not answered. In the second case, other items may have answers."""

    error: Fault


class ScoreResponse(BaseModel):
    """Answers in the order of the request's items, and the ids of the models that gave them."""

    models: dict[str, str]
    items: list[ItemAnswers | ErrorResponse]


class ModelsResponse(BaseModel):
    """The id of each loaded model: a hash of everything that can change its answers."""

    protocol: int = Field(default=VERSION, description="Version of the protocol; absent in version 1.")
    models: dict[str, str]


class HealthResponse(BaseModel):
    """`status` is `ready`, `loading`, `stopping` or `failed`."""

    status: str


class InvalidRequest(Exception):
    """A body is not a valid ScoreRequest."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.detail)
        self.fault = fault


def parse(body: bytes) -> ScoreRequest:
    """Parses the body of a request. Raises InvalidRequest with the first invalid field."""
    try:
        request = ScoreRequest.model_validate_json(body)
    except ValidationError as error:
        # The error does not repeat the input, which may be megabytes of base64.
        first: Any = error.errors(include_url=False, include_input=False, include_context=False)[0]
    else:
        for k, item in enumerate(request.items):
            _check_places(item, k)
        return request
    # Pydantic's messages name Python types, but the client sent JSON.
    unknown = first["type"] == "unexpected_keyword_argument"
    detail = "a field of this name is not permitted" if unknown else first["msg"].replace("Tuple", "Array")
    raise InvalidRequest(Fault("malformed", detail, field_path(first["loc"]) or None))


def _check_places(item: Item, k: int) -> None:
    """Raises InvalidRequest unless each image of item k has one place, in order."""
    places = 0
    for n, segment in enumerate(item.prefix):
        if not isinstance(segment, Place):
            continue
        if segment.image >= len(item.images):
            detail = f"this is the place of image {segment.image}, but the item has {len(item.images)} images"
        elif segment.image != places:
            detail = (
                f"this is the place of image {segment.image}, but image {places} must come first:"
                " give each image one place, in order"
            )
        else:
            places += 1
            continue
        raise InvalidRequest(Fault("malformed", detail, field_path(("items", k, "prefix", n, "image"))))
    if places < len(item.images):
        detail = f"image {places} has no place in the prefix"
        raise InvalidRequest(Fault("malformed", detail, field_path(("items", k, "images", places))))


def field_path(location: Iterable[str | int]) -> str:
    """Formats the path of a field: ('items', 3, 'images', 0) becomes `items[3].images[0]`."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path

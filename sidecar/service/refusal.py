"""Makes the answers to refused requests: status, error body and headers."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from sidecar.protocol import ErrorResponse, Fault

CLIENT_GONE = 499
"""Status of a request whose client has closed the connection. It is only counted in the metrics."""
REASONS = {
    401: "the bearer token is missing, or differs from SIDECAR_TOKEN",
    408: "the body did not arrive in time",
    413: "the request has too many bytes or items",
    422: "the request is invalid; `path` names the field",
    429: "the queue is full; try again after Retry-After seconds",
    500: "the engine failed; no item caused it",
    503: "the models are loading, or the service is stopping; try again after Retry-After seconds",
}


class Refusal(Exception):
    """A request is refused. `retry_after` is in seconds. With `close`, the connection is closed after the answer."""

    def __init__(self, status: int, fault: Fault, retry_after: int | None = None, close: bool = False) -> None:
        super().__init__(fault.detail)
        self.status = status
        self.fault = fault
        self.headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        if close:
            self.headers["Connection"] = "close"


async def answer_refused(_: Request, refused: Exception) -> Response:
    """Returns the response to a request that raised Refusal."""
    assert isinstance(refused, Refusal)
    return _error(refused.status, refused.fault, refused.headers)


async def answer_http(_: Request, error: Exception) -> Response:
    """Returns the response to a request with an unknown path or method."""
    assert isinstance(error, HTTPException)
    return _error(error.status_code, Fault("http", str(error.detail)), dict(error.headers or {}))


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Returns the part of the OpenAPI document that describes these statuses."""
    return {status: {"model": ErrorResponse, "description": REASONS[status]} for status in statuses}


def _error(status: int, fault: Fault, headers: dict[str, str]) -> Response:
    return JSONResponse(ErrorResponse(error=fault).model_dump(), status, headers)

"""The HTTP API: admission, limits, and answers in order. What is computed is the engine's business."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from sidecar.config import Settings
from sidecar.engine import Answered, Failed, Item
from sidecar.intake import refuse, to_answer, to_engine
from sidecar.metrics import Metrics
from sidecar.schema import (
    ErrorResponse,
    Fault,
    HealthResponse,
    ItemFailed,
    LimitsResponse,
    Malformed,
    ModelsResponse,
    ScoreRequest,
    ScoreResponse,
    parse,
)
from sidecar.worker import EngineFault, Full, Unavailable, Worker

VERSION = "1"
CLIENT_GONE = 499  # nobody reads it; it keeps such requests apart in the metrics
DRAIN_SECONDS = 20.0
REFUSALS = {
    408: "the body did not arrive in time",
    413: "more bytes or items than one request may hold",
    422: "no valid request; `path` names the field",
    429: "the queue is full; Retry-After tells when to try again",
    500: "the engine failed; no item is to blame",
    503: "the models are loading, or the service is stopping; Retry-After tells when to try again",
}


class Refused(Exception):
    """A request that is refused whole."""

    def __init__(self, status: int, fault: Fault, retry_after: int | None = None, close: bool = False) -> None:
        super().__init__(fault.detail)
        self.status = status
        self.fault = fault
        self.headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        if close:
            self.headers["Connection"] = "close"


def create_app(settings: Settings, worker: Worker, metrics: Metrics) -> FastAPI:
    """The application over a worker that the caller starts and stops."""
    app = FastAPI(
        title="Harvest sidecar",
        version=VERSION,
        description="Log-probabilities of choices, and greedy text, from the released scorer and styler.",
        docs_url=None,
        redoc_url=None,
    )
    limits = settings.limits

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> Response:
        return _error(error.status_code, Fault(code="http", detail=str(error.detail)), dict(error.headers or {}))

    async def answer(request: Request) -> ScoreResponse:
        read = False
        try:
            with worker.admit():
                body = await _body(request, limits.bytes, settings.body_seconds)
                read = True
                # Parsing megabytes of base64 would hold up /healthz and the other connections.
                parsed = await asyncio.to_thread(parse, body)
                del body
                if len(parsed.items) > limits.items:
                    detail = f"{len(parsed.items)} items, and a request may hold {limits.items}"
                    raise Refused(413, Fault(code="too_many_items", detail=detail, path="items"))
                outcomes: list[Answered | Failed | None] = [refuse(item, limits) for item in parsed.items]
                sound = [
                    to_engine(item) for item, outcome in zip(parsed.items, outcomes, strict=True) if outcome is None
                ]
                results = iter(await _run(request, worker, sound) if sound else ())
                items = [to_answer(outcome or next(results)) for outcome in outcomes]
        except Full as full:
            await _drain(request)
            raise Refused(429, Fault(code="queue_full", detail=str(full)), full.retry_after) from None
        except Unavailable as unavailable:
            if not read:
                await _drain(request)
            raise Refused(
                503, Fault(code=unavailable.state, detail=str(unavailable)), unavailable.retry_after
            ) from None
        except Malformed as malformed:
            raise Refused(422, malformed.fault) from None
        except EngineFault as fault:
            raise Refused(500, Fault(code="engine", detail=str(fault))) from None
        except ClientDisconnect:
            raise Refused(CLIENT_GONE, Fault(code="client_gone", detail="the client went away")) from None
        for item in items:
            metrics.item(item.error.code if isinstance(item, ItemFailed) else "ok")
        return ScoreResponse(models=worker.models, items=items)

    @app.post("/v1/score", responses=_refusals(408, 413, 422, 429, 500, 503), openapi_extra=_request_body())
    async def score(request: Request) -> ScoreResponse:
        """Answer the queries of a batch of items."""
        begun = time.monotonic()
        code = 500
        try:
            answered = await answer(request)
            code = 200
            return answered
        except Refused as refused:
            code = refused.status
            raise
        finally:
            metrics.request(code, time.monotonic() - begun)

    @app.exception_handler(Refused)
    async def _refused(_: Request, refused: Refused) -> Response:
        return _error(refused.status, refused.fault, refused.headers)

    @app.get("/v1/limits")
    async def tell_limits() -> LimitsResponse:
        """What a request and an item may hold."""
        return limits

    @app.get("/v1/models", responses=_refusals(503))
    async def tell_models() -> ModelsResponse:
        """Ids of the loaded models."""
        _must_be_loaded(worker)
        return ModelsResponse(models=worker.models)

    @app.get("/healthz", responses={503: {"model": HealthResponse, "description": "not ready"}})
    async def healthz(response: Response) -> HealthResponse:
        """200 only when the models are ready and requests are taken."""
        state = worker.state
        response.status_code = 200 if state == "ready" else 503
        return HealthResponse(status=state)

    @app.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def tell_metrics() -> Response:
        """Prometheus' text exposition."""
        text = await asyncio.to_thread(metrics.render, worker.state == "ready", worker.models)
        return Response(text, media_type="text/plain; version=0.0.4")

    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


async def _run(request: Request, worker: Worker, items: list[Item]) -> list[Answered | Failed]:
    """Wait for the worker; take the items out of the queue again if the client goes away first."""
    job = worker.submit(items, request.headers.get("traceparent", ""))
    result = asyncio.wrap_future(job)
    gone = asyncio.ensure_future(_disconnected(request))
    either: set[asyncio.Future[Any]] = {result, gone}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not result.done() and job.cancel():
            raise ClientDisconnect
        # Once it runs it holds the place in the queue to its end, whether anybody listens or not.
        return await result
    finally:
        gone.cancel()
        job.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _body(request: Request, limit: int, seconds: float) -> bytes:
    """The whole body, never more than `limit` bytes of it in memory."""
    too_large = Refused(
        413, Fault(code="too_many_bytes", detail=f"a request's body may hold {limit} bytes"), close=True
    )
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        await _drain(request)
        raise too_large
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    break
                chunks.append(chunk)
    except TimeoutError:
        detail = f"the body did not arrive within {seconds:g} s"
        raise Refused(408, Fault(code="body_too_slow", detail=detail), close=True) from None
    if size > limit:
        chunks.clear()
        await _drain(request)
        raise too_large
    return b"".join(chunks)


async def _drain(request: Request) -> None:
    """Read and forget the rest of a refused body.

    A client that is still sending when the answer comes and the connection closes sees a reset, and never the answer
    with its Retry-After.
    """
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while True:
                message = await request.receive()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return


def _must_be_loaded(worker: Worker) -> None:
    if not worker.models:
        unavailable = Unavailable(worker.state)
        raise Refused(503, Fault(code=unavailable.state, detail=str(unavailable)), unavailable.retry_after)


def _error(status: int, fault: Fault, headers: dict[str, str]) -> Response:
    return JSONResponse(ErrorResponse(error=fault).model_dump(), status, headers)


def _refusals(*codes: int) -> dict[int | str, dict[str, Any]]:
    return {code: {"model": ErrorResponse, "description": REFUSALS[code]} for code in codes}


REF = "#/components/schemas/{model}"


def _request_body() -> dict[str, Any]:
    # The body is read by hand, after admission and within limits, so FastAPI has to be told what it is.
    schema = {"$ref": REF.format(model=ScoreRequest.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schema = ScoreRequest.model_json_schema(ref_template=REF)
        schemas = document["components"]["schemas"]
        schemas |= schema.pop("$defs") | {ScoreRequest.__name__: schema}
        app.openapi_schema = document
    return app.openapi_schema

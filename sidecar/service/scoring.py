"""`POST /v1/score`: admits a request, checks its limits, waits for the worker, and returns the answers in order."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any

from fastapi import Request
from starlette.requests import ClientDisconnect

from sidecar.protocol import (
    PARTIAL,
    Choice,
    ErrorResponse,
    Fault,
    InvalidRequest,
    Item,
    ItemAnswers,
    ScoreResponse,
    parse,
)
from sidecar.service.intake import above_limit, drain, read_body
from sidecar.service.metrics import Metrics
from sidecar.service.refusal import CLIENT_GONE, Refusal
from sidecar.service.settings import Settings
from sidecar.service.worker import EngineFailure, QueueFull, Unavailable, Worker


class Scoring:
    """Answers requests with the worker."""

    def __init__(self, settings: Settings, worker: Worker, metrics: Metrics) -> None:
        self._limits = settings.limits
        self._body_seconds = settings.body_seconds
        self._worker = worker
        self._metrics = metrics

    async def answer(self, request: Request) -> ScoreResponse:
        """Answers one request and counts it. Raises Refusal."""
        begun = time.monotonic()
        status = 500
        try:
            answered = await self._admitted(request)
            status = 200
        except Refusal as refused:
            status = refused.status
            raise
        finally:
            self._metrics.request(status, time.monotonic() - begun)
        for item in answered.items:
            self._metrics.item(item.error.code if isinstance(item, ErrorResponse) else "ok")
        return answered

    async def _admitted(self, request: Request) -> ScoreResponse:
        read = False
        try:
            with self._worker.admit():
                body = await read_body(request, self._limits.bytes, self._body_seconds)
                read = True
                # In a thread, because parsing megabytes of base64 would block /healthz and other connections.
                items = (await asyncio.to_thread(parse, body)).items
                del body
                return await self._score(request, items)
        except QueueFull as full:
            await drain(request)
            raise Refusal(429, Fault("queue_full", str(full)), full.retry_after) from None
        except Unavailable as unavailable:
            if not read:
                await drain(request)
            raise Refusal(503, Fault(unavailable.state, str(unavailable)), unavailable.retry_after) from None
        except InvalidRequest as malformed:
            raise Refusal(422, malformed.fault) from None
        except EngineFailure as failure:
            raise Refusal(500, Fault("engine", str(failure))) from None
        except ClientDisconnect:
            raise Refusal(CLIENT_GONE, Fault("client_gone", "the client has closed the connection")) from None

    async def _score(self, request: Request, items: list[Item]) -> ScoreResponse:
        if len(items) > self._limits.items:
            detail = f"{len(items)} items, but a request may have at most {self._limits.items}"
            raise Refusal(413, Fault("too_many_items", detail, "items"))
        faults = [above_limit(item, self._limits) for item in items]
        accepted = [item for item, fault in zip(items, faults, strict=True) if fault is None]
        outcomes = iter(await self._run(request, accepted) if accepted else ())
        answers = [outcome(fault or next(outcomes)) for fault in faults]
        return ScoreResponse(models=self._worker.models, items=answers)

    async def _run(self, request: Request, items: list[Item]) -> list[ItemAnswers | Fault]:
        """Waits for the worker. If the client closes the connection first, the items are removed from the queue."""
        job = self._worker.submit(
            items, request.headers.get("traceparent", ""), partial=request.headers.get(PARTIAL, "") == "1"
        )
        result = asyncio.wrap_future(job)
        gone = asyncio.ensure_future(_disconnected(request))
        either: set[asyncio.Future[Any]] = {result, gone}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not result.done() and job.cancel():
                raise ClientDisconnect
            # A running job keeps its place in the queue until it ends, even if the client has closed the connection.
            return await result
        finally:
            gone.cancel()
            job.cancel()


def outcome(answered: ItemAnswers | Fault) -> ItemAnswers | ErrorResponse:
    """Returns an item's part of the response. If a number is not finite (fp16 overflow), only this item fails, because
    JSON has no such numbers."""
    if isinstance(answered, Fault):
        return ErrorResponse(error=answered)
    for k, answer in enumerate(answered.answers):
        if isinstance(answer, Choice) and not all(map(math.isfinite, (*answer.logprobs, answer.mass))):
            return ErrorResponse(error=Fault("not_finite", f"the answer to queries[{k}] is not a number"))
    return answered


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass

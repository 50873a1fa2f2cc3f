"""The HTTP API: its routes and its OpenAPI document."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException

from sidecar.protocol import VERSION, Fault, HealthResponse, Limits, ModelsResponse, ScoreRequest, ScoreResponse
from sidecar.service.intake import guard
from sidecar.service.metrics import Metrics
from sidecar.service.refusal import Refusal, answer_http, answer_refused, documented
from sidecar.service.scoring import Scoring
from sidecar.service.settings import Settings
from sidecar.service.worker import Unavailable, Worker

_REF = "#/components/schemas/{model}"
# FastAPI does not parse the body, because it is read after admission and within limits. So its schema is given here.
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": _REF.format(model=ScoreRequest.__name__)}}},
    }
}


def create_app(settings: Settings, worker: Worker, metrics: Metrics) -> FastAPI:
    """Makes the application. The caller starts and stops the worker."""
    app = FastAPI(
        title="Harvest sidecar",
        version=str(VERSION),
        description="Log-probabilities of choices, and greedy text, from the released scorer and styler.",
        docs_url=None,
        redoc_url=None,
        exception_handlers={HTTPException: answer_http, Refusal: answer_refused},
    )
    scoring = Scoring(settings, worker, metrics)
    # Every route except /healthz requires the token: probes have none.
    guarded = [Depends(guard(settings.token))]

    @app.post(
        "/v1/score",
        dependencies=guarded,
        responses=documented(401, 408, 413, 422, 429, 500, 503),
        openapi_extra=_BODY,
    )
    async def score(request: Request) -> ScoreResponse:
        """Answers the queries of a batch of items."""
        return await scoring.answer(request)

    @app.get("/v1/limits", dependencies=guarded, responses=documented(401))
    async def limits() -> Limits:
        """Returns the limits of a request and of an item."""
        return settings.advised(worker.advice)

    @app.get("/v1/models", dependencies=guarded, responses=documented(401, 503))
    async def models() -> ModelsResponse:
        """Returns the ids of the loaded models."""
        if not worker.models:
            unavailable = Unavailable(worker.state)
            raise Refusal(503, Fault(unavailable.state, str(unavailable)), unavailable.retry_after)
        return ModelsResponse(models=worker.models)

    @app.get("/healthz", responses={503: {"model": HealthResponse, "description": "not ready"}})
    async def healthz(response: Response) -> HealthResponse:
        """Answers 200 only when the models are ready and requests are accepted."""
        state = worker.state
        response.status_code = 200 if state == "ready" else 503
        return HealthResponse(status=state)

    @app.get(
        "/metrics",
        dependencies=guarded,
        response_class=Response,
        responses=documented(401) | {200: {"content": {"text/plain": {}}}},
    )
    async def exposition() -> Response:
        """Returns the metrics in Prometheus' text format."""
        text = await asyncio.to_thread(metrics.render, worker.state == "ready", worker.models)
        return Response(text, media_type="text/plain; version=0.0.4")

    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schema = ScoreRequest.model_json_schema(ref_template=_REF)
        document["components"]["schemas"] |= schema.pop("$defs") | {ScoreRequest.__name__: schema}
        app.openapi_schema = document
    return app.openapi_schema

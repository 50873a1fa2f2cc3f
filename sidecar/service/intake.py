"""Reads the body of a request within the limits, and checks the limits of items that need no model."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable

from fastapi import Request

from sidecar.protocol import Fault, Item, Limits
from sidecar.service.refusal import Refusal

DRAIN_SECONDS = 20.0


async def read_body(request: Request, limit: int, seconds: float) -> bytes:
    """Reads the whole body, with at most `limit` bytes in memory. Raises Refusal with status 408 or 413."""
    too_large = Refusal(413, Fault("too_many_bytes", f"a request's body may have at most {limit} bytes"), close=True)
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        await drain(request)
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
        raise Refusal(408, Fault("body_too_slow", detail), close=True) from None
    if size > limit:
        chunks.clear()
        await drain(request)
        raise too_large
    return b"".join(chunks)


def guard(token: str) -> Callable[[Request], Awaitable[None]]:
    """Returns a check that refuses requests without this bearer token. With an empty token, it accepts all requests."""

    async def check(request: Request) -> None:
        given = request.headers.get("authorization", "")
        if token and not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            await drain(request)
            raise Refusal(401, Fault("unauthorized", "the bearer token is missing or wrong"), close=True)

    return check


async def drain(request: Request) -> None:
    """Reads and drops the rest of a refused body.

    If the connection were closed while the client still sends, the client would get a connection reset, not the answer
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


def above_limit(item: Item, limits: Limits) -> Fault | None:
    """Returns a fault for the first limit that an item exceeds, or None."""
    if len(item.images) > limits.images:
        return Fault("too_many_images", f"{len(item.images)} images, but an item may have {limits.images}")
    if len(item.queries) > limits.queries:
        return Fault("too_many_queries", f"{len(item.queries)} queries, but an item may have {limits.queries}")
    for k, query in enumerate(item.queries):
        if query.max_tokens is not None and query.max_tokens > limits.new_tokens:
            return Fault(
                "too_many_new_tokens",
                f"queries[{k}].max_tokens is {query.max_tokens}, but the limit is {limits.new_tokens}",
            )
    prefix = sum(len(segment) for segment in item.prefix if isinstance(segment, str))
    longest = prefix + max(len(query.text) for query in item.queries)
    if longest > limits.characters:
        return Fault("prompt_too_long", f"{longest} characters cannot fit in {limits.tokens} tokens")
    return None

"""A request's body, read within the limits, and the limits of an item that need no model."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable

from fastapi import Request

from sidecar.protocol import Fault, Item, Limits
from sidecar.service.refusal import Refusal

DRAIN_SECONDS = 20.0


async def read_body(request: Request, limit: int, seconds: float) -> bytes:
    """The whole body, never more than `limit` bytes of it in memory. Raises Refusal with 408 or 413."""
    too_large = Refusal(413, Fault("too_many_bytes", f"a request's body may hold {limit} bytes"), close=True)
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
    """What refuses requests without a bearer token; all pass where it is empty."""

    async def check(request: Request) -> None:
        given = request.headers.get("authorization", "")
        if token and not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            await drain(request)
            raise Refusal(401, Fault("unauthorized", "the bearer token is missing, or is another"), close=True)

    return check


async def drain(request: Request) -> None:
    """Read and drop the rest of a refused body.

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


def above_limit(item: Item, limits: Limits) -> Fault | None:
    """The first limit that an item is above, or None."""
    if len(item.images) > limits.images:
        return Fault("too_many_images", f"{len(item.images)} images, and an item may have {limits.images}")
    if len(item.queries) > limits.queries:
        return Fault("too_many_queries", f"{len(item.queries)} queries, and an item may have {limits.queries}")
    for k, query in enumerate(item.queries):
        if query.max_tokens is not None and query.max_tokens > limits.new_tokens:
            return Fault(
                "too_many_new_tokens",
                f"queries[{k}].max_tokens is {query.max_tokens}, and the limit is {limits.new_tokens}",
            )
    prefix = sum(len(segment) for segment in item.prefix if isinstance(segment, str))
    longest = prefix + max(len(query.text) for query in item.queries)
    if longest > limits.characters:
        return Fault("prompt_too_long", f"{longest} characters cannot fit in {limits.tokens} tokens")
    return None

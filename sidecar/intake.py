"""From the API's items to the engine's and back, with the limits of an item that need no model."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sidecar.config import Limits
from sidecar.engine import Answered, Choice, Failed, Item, Query
from sidecar.schema import ChoiceAnswer, Fault, ItemAnswered, ItemFailed, ItemIn, TextAnswer

# No token of the released vocabulary is longer; text above this many bytes per allowed token is refused before a
# tokenizer spends minutes on it.
MAX_TOKEN_BYTES = 256


def refuse(item: ItemIn, limits: Limits) -> Failed | None:
    """The reason why an item is above a limit, or None."""
    if len(item.images) > limits.images:
        return Failed("too_many_images", f"{len(item.images)} images, and an item may have {limits.images}")
    if len(item.queries) > limits.queries:
        return Failed("too_many_queries", f"{len(item.queries)} queries, and an item may have {limits.queries}")
    for k, query in enumerate(item.queries):
        if query.max_tokens is not None and query.max_tokens > limits.new_tokens:
            return Failed(
                "too_many_new_tokens",
                f"queries[{k}].max_tokens is {query.max_tokens}, and the limit is {limits.new_tokens}",
            )
    longest = max(len(query.text) for query in item.queries)
    if len(item.prefix) + longest > limits.tokens * MAX_TOKEN_BYTES:
        return Failed(
            "prompt_too_long", f"{len(item.prefix) + longest} characters cannot fit in {limits.tokens} tokens"
        )
    return None


def to_engine(item: ItemIn) -> Item:
    """The same item in the engine's types."""
    return Item(
        images=tuple(item.images),
        prefix=item.prefix,
        queries=tuple(
            Query(
                model=query.model,
                text=query.text,
                choices=None if query.choices is None else tuple(query.choices),
                max_tokens=query.max_tokens,
            )
            for query in item.queries
        ),
    )


def to_answer(outcome: Answered | Failed) -> ItemAnswered | ItemFailed:
    """An engine's outcome in the API's types. A number that JSON cannot hold (fp16 overflowed) fails its item alone."""
    if isinstance(outcome, Failed):
        return ItemFailed(error=Fault(code=outcome.code, detail=outcome.detail))
    answers: list[ChoiceAnswer | TextAnswer] = []
    for k, answer in enumerate(outcome.answers):
        if isinstance(answer, Choice):
            if not _finite((*answer.logprobs, answer.mass)):
                return ItemFailed(error=Fault(code="not_finite", detail=f"the answer to queries[{k}] is not a number"))
            answers.append(
                ChoiceAnswer(
                    logprobs=list(answer.logprobs), mass=answer.mass, argmax=answer.argmax, argmax_id=answer.argmax_id
                )
            )
        else:
            answers.append(TextAnswer(text=answer.text, truncated=answer.truncated))
    return ItemAnswered(answers=answers, flags=list(outcome.flags))


def _finite(numbers: Sequence[float]) -> bool:
    return all(math.isfinite(number) for number in numbers)

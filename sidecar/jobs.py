"""Jobs: the queries of one item to one model, tokenised and joined into a tree. The device is not used here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sidecar.packing import Tree, cut, expand, tree
from sidecar.protocol import Fault, Item, Query
from sidecar.tokens import IMAGE, Tokens


@dataclass(frozen=True)
class Job:
    """The queries of one item to one model: a tree of their prompts, and the query of each branch."""

    item: int
    """Index of the item in its request."""
    tree: Tree
    queries: tuple[tuple[int, Query], ...]
    """The query of each branch, with its index in the item."""
    choices: tuple[tuple[int, ...], ...]
    """Token ids of the choices of each query; empty for a query of text."""
    images: int
    """Number of images of the item."""

    def cut(self, budget: int) -> Iterable[Job]:
        """Yields parts of the job that have at most `budget` positions each."""
        for first, part in cut(self.tree, budget):
            mine = slice(first, first + len(part.branches))
            yield Job(self.item, part, self.queries[mine], self.choices[mine], self.images)


def prepare(
    items: Sequence[Item], name: str, tokens: Tokens, features: int, longest: int, failed: dict[int, Fault]
) -> list[Job]:
    """Returns the jobs of the items that have queries to the model of this name.

    An item with an invalid query is added to `failed`. An image needs `features` positions. A prompt may have at most
    `longest` positions.
    """
    jobs = []
    for k, item in enumerate(items):
        asked = tuple((q, query) for q, query in enumerate(item.queries) if query.model == name)
        if not asked or k in failed:
            continue
        job = _job(k, item, asked, tokens, features, longest)
        if isinstance(job, Fault):
            failed[k] = job
        else:
            jobs.append(job)
    return jobs


def _job(
    k: int, item: Item, asked: tuple[tuple[int, Query], ...], tokens: Tokens, features: int, longest: int
) -> Job | Fault:
    for q, query in asked:
        one = (query.choices is None) != (query.max_tokens is None)
        if not one or query.choices == () or (query.max_tokens is not None and query.max_tokens < 1):
            return Fault("bad_query", f"queries[{q}]: give either choices or a positive max_tokens")
    prompts = tokens.prompts(item.prompts(query for _, query in asked))
    for (q, _), prompt in zip(asked, prompts, strict=True):
        length = len(prompt) + prompt.count(IMAGE) * (features - 1)
        if length > longest:
            return Fault("prompt_too_long", f"the prompt of queries[{q}] has {length} tokens; the limit is {longest}")
    choices = []
    for q, query in asked:
        ids = [tokens.choice(text) for text in query.choices or ()]
        if None in ids:
            wrong = query.choices[ids.index(None)] if query.choices else ""
            return Fault("choice_not_a_token", f"queries[{q}]: the choice {wrong!r} is not one token")
        choices.append(tuple(token for token in ids if token is not None))
    whole = tree([expand(prompt, features) for prompt in prompts])
    return Job(k, whole, asked, tuple(choices), len(item.images))

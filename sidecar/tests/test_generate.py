"""The greedy text of a batch is compared with transformers' own `generate`, row by row."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sidecar import checkpoint
from sidecar.checkpoint import Generation
from sidecar.generate import Row, bytes_needed, generate, rows_of
from sidecar.model import Model
from sidecar.observer import Observer
from sidecar.packing import expand, pack, tree
from sidecar.tokens import Tokens
from sidecar.tools.reference import Reference

TEXTS = ["One.", "Which of these is a longer text, of many more tokens than the others have?", "x", "Styles: "]
LIMITS = [20, 5, 30, 1]


@pytest.fixture(scope="module")
def model(tiny: Path) -> Model:
    return Model(checkpoint.load(tiny, "cpu", torch.float32), flex=False, compiled=None)


def rows(model: Model, tokens: Tokens, texts: list[str], limits: list[int]) -> list[Row]:
    packed = pack([tree([expand(p, 730)]) for p in tokens.prompts([[text] for text in texts])], [0] * len(texts), 730)
    prefilled = model.prefill(packed, model.features([]), keep=True)
    return rows_of(model, packed, prefilled, [[limit] for limit in limits])


@pytest.mark.parametrize("penalty", [1.0, 1.05, 2.0])
def test_a_batch_gives_the_text_of_separate_runs(tiny: Path, model: Model, penalty: float) -> None:
    tokens = Tokens(tiny)
    free = Generation(penalty, frozenset([tokens.end]))
    first = generate(model, rows(model, tokens, TEXTS, LIMITS), free, Observer())
    # One of the decoded tokens becomes an end token, so that rows end at different steps.
    ends = Generation(penalty, frozenset([tokens.end, first[2].tokens[7]]))
    for generation in (free, ends):
        reference = Reference(model.network, generation)
        got = generate(model, rows(model, tokens, TEXTS, LIMITS), generation, Observer())
        for prompt, limit, made in zip(tokens.prompts([[text] for text in TEXTS]), LIMITS, got, strict=True):
            expected = reference.generate(prompt, [], limit)
            assert list(made.tokens) == expected
            assert made.truncated == (len(expected) == limit)
    assert not got[2].truncated and len(got[2].tokens) <= 7


def test_the_penalty_changes_the_text(tiny: Path, model: Model) -> None:
    tokens = Tokens(tiny)
    one, other = (
        generate(model, rows(model, tokens, TEXTS, [30] * 4), Generation(penalty, frozenset()), Observer())
        for penalty in (1.0, 2.0)
    )
    assert one != other
    assert [row.tokens[0] for row in one] == [row.tokens[0] for row in other], "the first token has no penalty"


def test_a_long_row_with_few_tokens_does_not_write_beyond_the_cache(tiny: Path, model: Model) -> None:
    tokens = Tokens(tiny)
    texts = ["word " * 300, "x"]
    greedy = Generation(1.0, frozenset())
    [long] = generate(model, rows(model, tokens, texts[:1], [1]), greedy, Observer())
    [short] = generate(model, rows(model, tokens, texts[1:], [90]), greedy, Observer())
    assert generate(model, rows(model, tokens, texts, [1, 90]), greedy, Observer()) == [long, short]


def test_bytes_needed_equals_the_bytes_of_the_cache(tiny: Path, model: Model) -> None:
    made = rows(model, Tokens(tiny), TEXTS, LIMITS)
    own = sum(part.numel() * part.element_size() for row in made for pair in row.cache for part in pair)
    room = max(row.room for row in made)
    assert bytes_needed(made, model) == own + len(made) * room * model.cache_bytes
    assert bytes_needed([], model) == 0

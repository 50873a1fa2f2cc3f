"""Packed passes give the same answers as separate passes. Controls show that the tolerance detects typical faults."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from sidecar import attention
from sidecar.engine import Engine
from sidecar.images import LEVELS
from sidecar.model import Model
from sidecar.packing import Pack, Span, expand, pack, tree
from sidecar.protocol import Choice, Item, ItemAnswers, Limits, Text
from sidecar.tests.conftest import Sample, Truth
from sidecar.tools import prompts

TOLERANCE = 1e-3
CONTROL = 100 * TOLERANCE


def packed(truth: Truth, samples: Sequence[Sample], features: int) -> Pack:
    trees = []
    for sample in samples:
        texts = sample.item.prompts(query for query in sample.item.queries if query.choices)
        trees.append(tree([expand(prompt, features) for prompt in truth.tokens.prompts(texts)]))
    return pack(trees, [len(sample.pixels) for sample in samples], features)


def error(truth: Truth, model: Model, samples: Sequence[Sample], laid: Pack, features: torch.Tensor) -> float:
    """Returns the largest difference of the logits of digits."""
    logits = model.prefill(laid, features).logits[:, truth.digits]
    return float((logits - torch.cat([sample.digits for sample in samples])).abs().max())


def features_of(model: Model, samples: Sequence[Sample]) -> torch.Tensor:
    return model.features([pixels for sample in samples for pixels in sample.pixels])


@pytest.fixture(scope="module")
def model(truth: Truth) -> Model:
    return truth.model()


@pytest.fixture(scope="module")
def some(truth: Truth) -> tuple[Sample, ...]:
    """A few samples, enough for a control."""
    return truth.samples[:3]


@pytest.fixture(scope="module")
def features(model: Model, some: tuple[Sample, ...]) -> torch.Tensor:
    return features_of(model, some)


@pytest.mark.parametrize("sizes", [(100,), (1, 2, 5, 3)])
def test_digit_logits_and_argmaxes_in_any_composition(truth: Truth, model: Model, sizes: tuple[int, ...]) -> None:
    samples = list(truth.samples)
    random.Random(len(sizes)).shuffle(samples)
    counts = itertools.cycle(sizes)
    while samples:
        size = next(counts)
        part, samples = samples[:size], samples[size:]
        laid = packed(truth, part, model.features_per_image)
        logits = model.prefill(laid, features_of(model, part)).logits
        expected = torch.cat([sample.digits for sample in part])
        assert float((logits[:, truth.digits] - expected).abs().max()) < TOLERANCE
        assert logits.argmax(dim=-1).tolist() == [token for sample in part for token in sample.argmax]


def check(truth: Truth, outcomes: Sequence[object], samples: Sequence[Sample]) -> None:
    for sample, outcome in zip(samples, outcomes, strict=True):
        assert isinstance(outcome, ItemAnswers)
        *rated, styled = outcome.answers
        expected = sample.digits - sample.logsumexp[:, None]
        for choice, logprobs, token in zip(rated, expected, sample.argmax, strict=True):
            assert isinstance(choice, Choice)
            assert choice.logprobs == pytest.approx(logprobs.tolist(), abs=TOLERANCE)
            assert choice.mass == pytest.approx(float(logprobs.exp().sum()), abs=TOLERANCE)
            assert (choice.argmax_id, choice.argmax) == (token, truth.tokens.name(token))
        assert styled == Text(
            truth.tokens.text(list(sample.greedy)), truncated=len(sample.greedy) == truth.style_tokens
        )
        assert outcome.flags == ()


def test_engine_answers_as_the_reference_does(truth: Truth, load: Callable[..., Engine]) -> None:
    samples = truth.samples
    check(truth, load(truth.directory).run([sample.item for sample in samples]), samples)


def test_engine_answers_equally_in_small_packs_and_caches(truth: Truth, load: Callable[..., Engine]) -> None:
    samples = truth.samples[:4][::-1]
    engine = load(truth.directory, pack_tokens=1300, limits=Limits(tokens=1200), kv_bytes=2 << 20)
    check(truth, engine.run([sample.item for sample in samples]), samples)


@pytest.mark.parametrize(("dtype", "least"), [(torch.float16, 0.99), (torch.bfloat16, 0.95)])
def test_digits_in_half_precision(shared_truth: Truth, dtype: torch.dtype, least: float) -> None:
    # These weights have such a large variance that bf16 changes every twentieth digit, also in separate passes.
    model = shared_truth.model(dtype)
    samples = shared_truth.samples
    logits = model.prefill(packed(shared_truth, samples, model.features_per_image), features_of(model, samples)).logits
    expected = torch.cat([sample.digits for sample in samples]).argmax(dim=-1)
    assert (logits[:, shared_truth.digits].argmax(dim=-1) == expected).float().mean() >= least


def test_control_positions_off_by_one(
    truth: Truth, model: Model, some: tuple[Sample, ...], features: torch.Tensor
) -> None:
    laid = packed(truth, some, model.features_per_image)
    moved = replace(laid, positions=laid.positions + (laid.branches > 0))
    assert error(truth, model, some, moved, features) > CONTROL


def test_control_one_token_leaks(
    truth: Truth, model: Model, some: tuple[Sample, ...], features: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = attention.branch_mask

    def leaking(span: Span) -> torch.Tensor:
        mask = original(span)
        mask[span.branches[0] :, span.prefix + span.branches[0] - 1] = True
        return mask

    laid = packed(truth, some, model.features_per_image)
    monkeypatch.setattr(attention, "branch_mask", leaking)
    assert error(truth, model, some, laid, features) > CONTROL


def test_control_newline_missing(truth: Truth, model: Model, some: tuple[Sample, ...], features: torch.Tensor) -> None:
    rows = model.features_per_image
    missing = features.unflatten(0, (-1, rows))[:, :-1].flatten(0, 1)
    assert error(truth, model, some, packed(truth, some, rows - 1), missing) > CONTROL


def test_control_newline_moved(truth: Truth, model: Model, some: tuple[Sample, ...], features: torch.Tensor) -> None:
    rows = model.features_per_image
    moved = features.unflatten(0, (-1, rows)).roll(1, dims=1).flatten(0, 1)
    assert error(truth, model, some, packed(truth, some, rows), moved) > CONTROL


@torch.no_grad()
def test_control_final_norm_applied(truth: Truth, model: Model, some: tuple[Sample, ...]) -> None:
    inner = model.network.model
    pixels = torch.from_numpy(LEVELS[np.stack([p for sample in some for p in sample.pixels])]).permute(0, 3, 1, 2)
    projected = inner.multi_modal_projector(inner.vision_tower(pixels).last_hidden_state)
    newline = inner.image_newline.expand(len(projected), 1, -1)
    normed = torch.cat([projected, newline], dim=1).flatten(0, 1)
    assert error(truth, model, some, packed(truth, some, model.features_per_image), normed) > CONTROL


def test_control_prompt_tokenised_in_two_parts(truth: Truth, model: Model) -> None:
    tokens, rows = truth.tokens, model.features_per_image
    [empty], [one], [other] = (tokens.prompts([[text]]) for text in ("", "a", "b"))
    head = next(k for k, (a, b) in enumerate(zip(one, other, strict=True)) if a != b)
    tail = len(empty) - head
    # A transcript that ends with a full stop: the newline after it belongs to the same token.
    sample = next(sample for sample in truth.samples if sample.item.pieces()[-1].endswith("."))
    [transcript] = tokens.prompts([sample.item.pieces()])
    questions = tokens.prompts([[query.text] for query in sample.item.queries if query.choices])
    parts = [expand(transcript[:-tail] + question[head:], rows) for question in questions]
    laid = pack([tree(parts)], [len(sample.pixels)], rows)
    assert error(truth, model, [sample], laid, features_of(model, [sample])) > CONTROL


def test_items_do_not_change_one_another(truth: Truth, load: Callable[..., Engine]) -> None:
    """An invalid item, and an item of another length, do not change the answers of the other items."""
    sample = truth.samples[0]
    items = [Item((b"no image",), prompts.prefix("<image>"), sample.item.queries), sample.item, truth.samples[-1].item]
    broken, *valid = load(truth.directory).run(items)
    assert not isinstance(broken, ItemAnswers)
    check(truth, valid, [sample, truth.samples[-1]])

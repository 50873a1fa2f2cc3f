"""The passes, compiled by Inductor on this CPU. It takes minutes, so it runs only if HARVEST_INDUCTOR is set."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from sidecar import checkpoint
from sidecar.model import Model
from sidecar.packing import expand, pack, tree
from sidecar.tokens import Tokens

pytestmark = pytest.mark.skipif(not os.environ.get("HARVEST_INDUCTOR"), reason="HARVEST_INDUCTOR is not set")

LENGTH = 256


def test_inductor_gives_the_answers_of_the_slow_path(tiny: Path) -> None:
    torch._dynamo.reset()
    network, tokens = checkpoint.load(tiny, "cpu", torch.float32), Tokens(tiny)
    compiled = Model(network, flex=True, compiled="inductor", lengths=(LENGTH,))
    plain = Model(network, flex=False, compiled=None)
    questions = [[f"Question: What is it? Answer: That.\nIs it number {k}{' indeed' * k}?"] for k in range(4)]
    prompts = [expand(prompt, 730) for prompt in tokens.prompts(questions)]
    packed = pack([tree(prompts[:3]), tree(prompts[3:])], [0, 0], 730, (LENGTH,))
    assert packed.used < packed.length == LENGTH
    one = plain.prefill(packed, plain.features([]), keep=True)
    other = compiled.prefill(packed, compiled.features([]), keep=True)
    assert torch.allclose(one.logits, other.logits, atol=1e-3)
    for pair, flex_pair in zip(one.cache, other.cache, strict=True):
        for kept, flex_kept in zip(pair, flex_pair, strict=True):
            assert torch.allclose(kept[:, : packed.used], flex_kept[:, : packed.used], atol=1e-3)

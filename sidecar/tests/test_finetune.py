"""Fine-tuning: a checkpoint is converted for the trainer and back, and the trainer gets the sidecar's inputs."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from sidecar import checkpoint
from sidecar.finetune import convert
from sidecar.tests.conftest import Truth
from sidecar.tokens import MARK, Tokens
from sidecar.tools import synthetic


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["convert", *map(str, arguments)])
    convert.main()


def test_conversion_to_the_trainer_and_back_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released = synthetic.write(tmp_path / "released", dtype=torch.bfloat16, files=2)
    run(monkeypatch, "to-trainer", released, tmp_path / "trainer")
    run(monkeypatch, "to-sidecar", tmp_path / "trainer", released, tmp_path / "back")
    before = checkpoint.load(released, "cpu", torch.bfloat16).state_dict()
    after = checkpoint.load(tmp_path / "back", "cpu", torch.bfloat16).state_dict()
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)
    for name in ("config.json", "generation_config.json", "tokenizer.json"):
        assert (tmp_path / "back" / name).read_bytes() == (released / name).read_bytes()


def test_trained_weights_are_converted_back(tmp_path: Path, tiny: Path) -> None:
    convert.to_trainer(tiny, tmp_path / "trainer", torch.float32)
    network = convert.LlavaOnevisionForConditionalGeneration.from_pretrained(tmp_path / "trainer")
    network.model.multi_modal_projector.linear_2.bias.data += 1
    network.save_pretrained(tmp_path / "trainer")
    convert.to_sidecar(tmp_path / "trainer", tiny, tmp_path / "back")
    name = "model.multi_modal_projector.linear_2.bias"
    before, after = (checkpoint.load(folder, "cpu", torch.float32).state_dict() for folder in (tiny, tmp_path / "back"))
    assert torch.equal(before[name] + 1, after[name])
    assert all(torch.equal(before[other], after[other]) for other in before if other != name)


def test_another_network_is_refused(tmp_path: Path, tiny: Path) -> None:
    other = synthetic.write(tmp_path / "other", text={**synthetic.TINY, "intermediate_size": 96})
    convert.to_trainer(other, tmp_path / "trainer")
    with pytest.raises(checkpoint.CheckpointError, match=r"wrong shape: model\.layers\.0\.mlp\.down_proj\.weight"):
        convert.to_sidecar(tmp_path / "trainer", tiny, tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_a_full_vocabulary_is_refused(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tokens, "size", property(lambda _: 1 << 20))
    with pytest.raises(checkpoint.CheckpointError, match="none is left"):
        convert.to_trainer(tiny, tmp_path / "trainer")


def test_the_trainer_gets_the_inputs_of_the_sidecar(truth: Truth, tmp_path: Path) -> None:
    swift: Any = pytest.importorskip("swift", reason="ms-swift is not installed")
    from sidecar.finetune import plugin

    convert.to_trainer(truth.directory, tmp_path / "trainer", torch.float32)
    options = {"model_type": plugin.NAME, "torch_dtype": torch.float32, "device_map": "cpu"}
    model, tokenizer = swift.get_model_processor(str(tmp_path / "trainer"), **options)
    template = swift.get_template(tokenizer, template_type=plugin.NAME)
    template.set_mode("train")
    digit = truth.digits[3]
    for sample in truth.samples:
        images = [Image.open(io.BytesIO(data)) for data in sample.item.images]
        asked = sample.item.prompts(sample.item.queries)
        for k, (texts, expected) in enumerate(zip(asked, sample.digits, strict=False)):
            prompt = MARK.join(texts)
            turns = [
                {"role": "user", "content": prompt},
                {"role": "assistant", "content": "3"},
            ]
            encoded = template.encode({"messages": turns, "images": images})
            trained = [label for label in encoded["labels"] if label != plugin.IGNORED]
            assert trained == [digit, truth.tokens.end] == encoded["input_ids"][-2:]
            if k % 5:
                continue  # a pass for every fifth
            inputs = {"input_ids": torch.tensor([encoded["input_ids"]]), "pixel_values": encoded["pixel_values"]}
            with torch.no_grad():
                logits = model(**template._post_encode(model, inputs)).logits[0, -3]
            torch.testing.assert_close(logits[truth.digits], expected, atol=2e-4, rtol=0)
            assert int(logits.argmax()) == sample.argmax[k]

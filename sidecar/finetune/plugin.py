"""Is the plugin for ms-swift that scorer.yaml and styler.yaml name in `external_plugins`.

A standard LLaVA-OneVision template tiles images, and tokenises prompts differently from the sidecar. The template of
this plugin gives the model the same input as the sidecar: the same token ids, and one view of 384 x 384.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from swift.model import ModelArch, ModelLoader, ModelMeta, register_model
from swift.template import Template, TemplateMeta, register_template
from swift.template.template_inputs import StdTemplateInputs
from torch import Tensor, nn
from transformers import (
    AutoTokenizer,
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    PreTrainedTokenizerBase,
)

from sidecar.images import LEVELS, SIDE
from sidecar.tokens import IMAGE, MARK, Tokens

NAME = "mmssr"
IGNORED = -100
"""The label of a token that does not count in the training loss."""


class Loader(ModelLoader):
    """Loads a checkpoint that `sidecar.finetune.convert to-trainer` wrote. It has no image processor."""

    def get_processor(self, model_dir: str, config: LlavaOnevisionConfig) -> PreTrainedTokenizerBase:
        return AutoTokenizer.from_pretrained(model_dir)

    def get_model(self, model_dir: str, *args: Any, **kwargs: Any) -> LlavaOnevisionForConditionalGeneration:
        self.auto_model_cls = LlavaOnevisionForConditionalGeneration
        return super().get_model(model_dir, *args, **kwargs)


class OneView(Template):
    """Makes prompts and images as the sidecar does. Only the answer and the end of the turn count in the training
    loss."""

    @cached_property
    def _tokens(self) -> Tokens:
        return Tokens(Path(self.model_info.model_dir))

    def _encode(self, inputs: StdTemplateInputs) -> dict[str, Any]:
        prompt, answer = (turn["content"] for turn in inputs.messages)
        ids: list[int] = []
        texts = prompt.split(MARK) if inputs.images else [prompt]
        if len(texts) != len(inputs.images) + 1:
            raise ValueError(
                f"an item has {len(texts) - 1} marks {MARK}, but {len(inputs.images)} images: remove the item"
            )
        for token in self._tokens.prompts([texts])[0]:
            ids += [self.config.image_token_id] * self._features if token == IMAGE else [token]
        encoded: dict[str, Any] = {"input_ids": ids, "labels": None, "loss_scale": None}
        if self.is_training:
            end = [*self.tokenizer.encode(answer, add_special_tokens=False), self._tokens.end]
            encoded |= {"input_ids": ids + end, "labels": [IGNORED] * len(ids) + end}
        if inputs.images:
            views = [np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)) for image in inputs.images]
            pixels = torch.from_numpy(LEVELS[np.stack(views)]).permute(0, 3, 1, 2)
            encoded["pixel_values"] = pixels.to(self.model_info.torch_dtype)
        return encoded

    @property
    def _features(self) -> int:
        """Positions of an image: its patches and a newline."""
        return (SIDE // self.config.vision_config.patch_size) ** 2 + 1

    def _post_encode(self, model: nn.Module, inputs: dict[str, Any]) -> dict[str, Any]:
        base = self.get_base_model(model)
        embedded = base.get_input_embeddings()(inputs["input_ids"])
        pixels = inputs.get("pixel_values")
        if pixels is None:
            return {"inputs_embeds": embedded}
        places = (inputs["input_ids"] == self.config.image_token_id).unsqueeze(-1)
        return {"inputs_embeds": embedded.masked_scatter(places, _features(base.model, pixels).to(embedded.dtype))}


def _features(inner: nn.Module, pixels: Tensor) -> Tensor:
    """Returns the features of images, as `sidecar.model.Model.features` computes them."""
    patches = inner.vision_tower(pixels, output_hidden_states=True).hidden_states[-1]
    projected = inner.multi_modal_projector(patches)
    newlines = inner.image_newline.to(projected).expand(len(projected), 1, -1)
    return torch.cat((projected, newlines), dim=1).flatten(0, 1)


# OneView builds the prompt, so only the suffix is used here: it ends the answer.
register_template(
    TemplateMeta(NAME, prefix=[], prompt=["{{QUERY}}"], chat_sep=None, suffix=["<|im_end|>"], template_cls=OneView)
)
register_model(
    ModelMeta(NAME, [], Loader, template=NAME, model_arch=ModelArch.llava_hf, is_multimodal=True, tags=["vision"])
)

"""Answers as the reference code does: each prompt separately, in batch 1, with transformers' `forward` and `generate`.

The code is simple on purpose. It does not use the modules packing, attention, model and generate, because tests and
`sidecar.tools.bench` compare the engine with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import LlavaOnevisionForConditionalGeneration

from sidecar.checkpoint import Generation
from sidecar.tokens import IMAGE


@dataclass(frozen=True)
class Reference:
    """A loaded network, and the settings of its greedy decoding."""

    network: LlavaOnevisionForConditionalGeneration
    generation: Generation

    @torch.no_grad()
    def embeds(self, prompt: Sequence[int], images: Sequence[NDArray[np.uint8]]) -> Tensor:
        """Returns the input embeddings of a prompt, (1, positions, width). Images are 384 x 384 RGB bytes."""
        inner, table = self.network.model, self.network.get_input_embeddings()
        device, dtype = inner.image_newline.device, inner.image_newline.dtype
        parts: list[Tensor] = []
        run: list[int] = []
        pictures = iter(images)
        for token in [*prompt, None]:
            if token is not None and token != IMAGE:
                run.append(token)
                continue
            parts.append(table(torch.tensor(run, dtype=torch.long, device=device)))
            run = []
            if token == IMAGE:
                pixels = torch.from_numpy(next(pictures).astype(np.float32)).to(device).permute(2, 0, 1)[None]
                pixels = ((pixels / 255 - 0.5) / 0.5).to(dtype)
                patches = inner.vision_tower(pixels, output_hidden_states=True).hidden_states[-1]
                parts += [inner.multi_modal_projector(patches)[0], inner.image_newline[None]]
        return torch.cat(parts)[None]

    @torch.no_grad()
    def logits(self, prompt: Sequence[int], images: Sequence[NDArray[np.uint8]]) -> Tensor:
        """Returns the logits after the last token of a prompt."""
        return self.network(inputs_embeds=self.embeds(prompt, images), logits_to_keep=1).logits[0, -1].float()

    @torch.no_grad()
    def generate(self, prompt: Sequence[int], images: Sequence[NDArray[np.uint8]], max_tokens: int) -> list[int]:
        """Returns the greedy tokens after a prompt, without the end of sequence."""
        ends = sorted(self.generation.ends)
        embeds = self.embeds(prompt, images)
        out = self.network.generate(
            inputs_embeds=embeds,
            attention_mask=torch.ones(embeds.shape[:2], dtype=torch.long, device=embeds.device),
            do_sample=False,
            repetition_penalty=self.generation.penalty,
            eos_token_id=ends,
            pad_token_id=ends[0],
            max_new_tokens=max_tokens,
        )
        return [token for token in out[0].tolist() if token not in self.generation.ends]

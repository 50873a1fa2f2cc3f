"""The reference's way: every prompt alone, batch 1, through the stock forward and `generate` of transformers' classes.

Straightforward on purpose, and independent of packing, attention, model and generate: tests compare with it, and
`sidecar.tools.bench` measures against it.
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
    """A loaded network, and how it generates."""

    network: LlavaOnevisionForConditionalGeneration
    generation: Generation

    @torch.no_grad()
    def embeds(self, prompt: Sequence[int], images: Sequence[NDArray[np.uint8]]) -> Tensor:
        """Inputs of a prompt, (1, positions, width); images are 384 x 384 RGB bytes, each encoded anew."""
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
        """Logits after the prompt's last token."""
        return self.network(inputs_embeds=self.embeds(prompt, images), logits_to_keep=1).logits[0, -1].float()

    @torch.no_grad()
    def generate(self, prompt: Sequence[int], images: Sequence[NDArray[np.uint8]], max_tokens: int) -> list[int]:
        """Greedy tokens with a cache, the end of sequence left out."""
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

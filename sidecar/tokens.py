"""The chat form of the released models: METHOD.md, "Chat form and tokens"."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer

IMAGE = -200
"""Stands for an image in a list of token ids, as in the reference code."""
PLACEHOLDER = "<image>"
SYSTEM = "You are a helpful assistant."


class Tokens:
    """Turns prompts into token ids and ids into text. Dataset text never yields a special token."""

    def __init__(self, directory: Path) -> None:
        path = directory / "tokenizer.json"
        if not path.is_file():
            raise FileNotFoundError(
                f"reading the tokenizer: {path} is missing; transformers' AutoTokenizer.from_pretrained(…).save_pretrained(…) writes it"
            )
        self._tokenizer = Tokenizer.from_file(str(path))
        # The reference would let a sample's own `<|im_end|>` end the turn.
        self._tokenizer.encode_special_tokens = True
        self._special = tuple(t.content for t in self._tokenizer.get_added_tokens_decoder().values() if t.special)
        start, self.end = self._id("<|im_start|>"), self._id("<|im_end|>")
        self._newline = self._plain("\n")
        self._head = [
            *(start, *self._plain("system"), *self._newline, *self._plain(SYSTEM), self.end, *self._newline),
            *(start, *self._plain("user"), *self._newline),
        ]
        self._tail = [self.end, *self._newline, start, *self._plain("assistant"), *self._newline]

    @property
    def size(self) -> int:
        """Tokens that the tokenizer knows, special ones too."""
        return self._tokenizer.get_vocab_size()

    def prompts(self, texts: list[str]) -> list[list[int]]:
        """Token ids of whole prompts, `<image>` as IMAGE: a concatenation of pieces, each tokenised on its own."""
        pieces = [text.split(PLACEHOLDER) for text in texts]
        flat = self._tokenizer.encode_batch([piece for parts in pieces for piece in parts], add_special_tokens=False)
        encoded = iter(flat)
        prompts = []
        for parts in pieces:
            ids = [*self._head, *next(encoded).ids]
            for _ in parts[1:]:
                ids += [IMAGE, *self._newline, *next(encoded).ids]
            prompts.append(ids + self._tail)
        return prompts

    def choice(self, text: str) -> int | None:
        """The one token that is this text, or None."""
        ids = self._plain(text)
        return ids[0] if len(ids) == 1 else None

    def names_special(self, text: str) -> bool:
        """Whether a special token's name stands in a text."""
        return any(name in text for name in self._special)

    def text(self, ids: list[int]) -> str:
        """Text of generated tokens, special ones left out."""
        return self._tokenizer.decode(ids, skip_special_tokens=True)

    def name(self, token: int) -> str:
        """Text of one token, a special one by its name; empty for an id beyond the tokenizer's vocabulary."""
        return self._tokenizer.decode([token], skip_special_tokens=False)

    def _plain(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def _id(self, name: str) -> int:
        token = self._tokenizer.token_to_id(name)
        if token is None:
            raise ValueError(
                f"reading the tokenizer: it has no {name}, so it is not the tokenizer of a Qwen chat model"
            )
        return token

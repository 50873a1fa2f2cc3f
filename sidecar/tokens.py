"""The chat form of the released models: METHOD.md, "Chat form and tokens"."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

IMAGE = -200
"""Stands for an image in a list of token ids, as in the reference code."""
MARK = "<image>"
"""Stands for an image in a conversation of the reference code, which has no text with this word."""
SYSTEM = "You are a helpful assistant."
SLOW = ("vocab.json", "merges.txt", "added_tokens.json", "tokenizer_config.json", "special_tokens_map.json")
"""What a checkpoint with a slow tokenizer holds in place of tokenizer.json; the first two are always there."""
FILES = ("tokenizer.json", *SLOW)


class Tokens:
    """Turns prompts into token ids and ids into text. Dataset text never yields a special token."""

    def __init__(self, directory: Path) -> None:
        self._tokenizer = _read(directory)
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

    def prompts(self, prompts: Sequence[Sequence[str]]) -> list[list[int]]:
        """Token ids of whole prompts, each given as its texts between images: one more than there are images.

        An image is IMAGE. The ids are a concatenation of pieces, each tokenised on its own.
        """
        flat = self._tokenizer.encode_batch([text for texts in prompts for text in texts], add_special_tokens=False)
        encoded = iter(flat)
        made = []
        for texts in prompts:
            ids = [*self._head, *next(encoded).ids]
            for _ in texts[1:]:
                ids += [IMAGE, *self._newline, *next(encoded).ids]
            made.append(ids + self._tail)
        return made

    def choice(self, text: str) -> int | None:
        """The one token that is this text, or None."""
        ids = self._plain(text)
        return ids[0] if len(ids) == 1 else None

    def off_reference(self, text: str) -> bool:
        """Whether the reference code would read more than text in a text: a special token's name, or MARK."""
        return any(name in text for name in (*self._special, MARK))

    def text(self, ids: list[int]) -> str:
        """Text of generated tokens, special ones left out."""
        return self._tokenizer.decode(ids, skip_special_tokens=True)

    def name(self, token: int) -> str:
        """Text of one token, a special one by its name; empty for an id beyond the tokenizer's vocabulary."""
        return self._tokenizer.decode([token], skip_special_tokens=False)

    def save(self, directory: Path) -> None:
        """Write tokenizer.json."""
        self._tokenizer.save(str(directory / "tokenizer.json"))

    def _plain(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def _id(self, name: str) -> int:
        token = self._tokenizer.token_to_id(name)
        if token is None:
            raise ValueError(
                f"reading the tokenizer: it has no {name}, so it is not the tokenizer of a Qwen chat model"
            )
        return token


def _read(directory: Path) -> Tokenizer:
    """The tokenizer of tokenizer.json, or else of the files that Qwen2's slow tokenizer saves."""
    path = directory / "tokenizer.json"
    if path.is_file():
        return Tokenizer.from_file(str(path))
    missing = [name for name in SLOW[:2] if not (directory / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"reading the tokenizer: {directory} has neither {path.name} nor {' and '.join(missing)}:"
            " copy the released ones there"
        )
    from transformers import Qwen2Tokenizer

    return Qwen2Tokenizer.from_pretrained(directory).backend_tokenizer

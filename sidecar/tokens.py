"""Writes prompts in the chat form of the released models. README.md, "Model input", has the rules."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

IMAGE = -200
"""The id of an image in a list of token ids, as in the reference code."""
MARK = "<image>"
"""The mark of an image in a conversation, as in the reference code, where a text cannot contain this word."""
SYSTEM = "You are a helpful assistant."
SLOW = ("vocab.json", "merges.txt", "added_tokens.json", "tokenizer_config.json", "special_tokens_map.json")
"""The files of a checkpoint with a slow tokenizer, which has no tokenizer.json. The first two are required."""
FILES = ("tokenizer.json", *SLOW)


class Tokens:
    """Converts prompts to token ids, and ids to text. A text of the dataset never becomes a special token."""

    def __init__(self, directory: Path) -> None:
        self._tokenizer = _read(directory)
        # Otherwise `<|im_end|>` in the text of a sample would end the turn, as it does in the reference code.
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
        """The number of tokens that the tokenizer knows, special tokens included."""
        return self._tokenizer.get_vocab_size()

    def prompts(self, prompts: Sequence[Sequence[str]]) -> list[list[int]]:
        """Returns the token ids of prompts. A prompt is the list of its texts before, between and after its images.

        An image gets the id IMAGE. Each text is tokenised separately, and the ids are concatenated.
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
        """Returns the id of the single token of a text; None if the text is not a single token."""
        ids = self._plain(text)
        return ids[0] if len(ids) == 1 else None

    def off_reference(self, text: str) -> bool:
        """Returns whether a text contains MARK or the name of a special token. The reference code does not read these
        as text."""
        return any(name in text for name in (*self._special, MARK))

    def text(self, ids: list[int]) -> str:
        """Returns the text of generated tokens, without special tokens."""
        return self._tokenizer.decode(ids, skip_special_tokens=True)

    def name(self, token: int) -> str:
        """Returns the text of one token, or the name of a special token; empty for an id above the vocabulary."""
        return self._tokenizer.decode([token], skip_special_tokens=False)

    def save(self, directory: Path) -> None:
        """Writes tokenizer.json."""
        self._tokenizer.save(str(directory / "tokenizer.json"))

    def _plain(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def _id(self, name: str) -> int:
        token = self._tokenizer.token_to_id(name)
        if token is None:
            raise ValueError(
                f"reading the tokenizer: it has no token {name}, so it is not the tokenizer of a Qwen chat model"
            )
        return token


def _read(directory: Path) -> Tokenizer:
    """Reads tokenizer.json, or else the files of Qwen2's slow tokenizer."""
    path = directory / "tokenizer.json"
    if path.is_file():
        return Tokenizer.from_file(str(path))
    missing = [name for name in SLOW[:2] if not (directory / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"reading the tokenizer: {directory} has neither {path.name} nor {' and '.join(missing)}:"
            " copy the released files there"
        )
    from transformers import Qwen2Tokenizer

    return Qwen2Tokenizer.from_pretrained(directory).backend_tokenizer

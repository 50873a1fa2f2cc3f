"""Counts tokens with Hugging Face's tokenizers and transformers, so that tests can compare the counts.

python3 hf.py qwen.tiktoken texts.jsonl                     writes the file again, with the count of each text
python3 hf.py qwen.tiktoken DATASET.json IMAGES > hf.jsonl  prints the counts of each sample of a LLaVA file

qwen.tiktoken comes from the package dashscope on PyPI (dashscope/resources). The tokenizer is built like transformers'
Qwen2Tokenizer: with its pre-tokeniser, NFC, and the merges that TikTokenConverter derives from ranks.
"""

import base64
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import BPE
from transformers.convert_slow_tokenizer import bytes_to_unicode
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX


def tokenizer(vocabulary: str) -> Tokenizer:
    """Returns Qwen2's tokenizer, made from a file of ranks."""
    letters = bytes_to_unicode()
    ranks = {}
    for line in Path(vocabulary).read_bytes().splitlines():
        token, rank = line.split()
        ranks[base64.b64decode(token)] = int(rank)

    def text(token: bytes) -> str:
        return "".join(letters[b] for b in token)

    merges = []
    for token, rank in ranks.items():
        splits = [(token[:i], token[i:]) for i in range(1, len(token))]
        local = [(ranks[a], ranks[b], a, b) for a, b in splits if a in ranks and b in ranks]
        merges += [(rank, text(a), text(b)) for _, _, a, b in sorted(local)]
    merges.sort(key=lambda merge: merge[0])
    model = BPE(vocab={text(t): r for t, r in ranks.items()}, merges=[(a, b) for _, a, b in merges])
    built = Tokenizer(model)
    built.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated", invert=False)
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    built.pre_tokenizer = pre_tokenizers.Sequence([split, bytes_only])
    return built


def visual(paths: list[Path]) -> dict[str, int]:
    """Returns the numbers of tokens of a sample's images for each rule, counted by transformers' own processors."""
    from PIL import Image
    from transformers.models.llava_onevision.image_processing_pil_llava_onevision import LlavaOnevisionImageProcessorPil
    from transformers.models.llava_onevision.processing_llava_onevision import LlavaOnevisionProcessor as Onevision
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    processor = SimpleNamespace(
        image_processor=LlavaOnevisionImageProcessorPil(), num_image_tokens=729, vision_aspect_ratio="anyres_max_9"
    )
    processor._get_unpadded_features = lambda *sizes: Onevision._get_unpadded_features(processor, *sizes)
    qwen, limits = Qwen2VLImageProcessorPil(), {"min_pixels": 3136, "max_pixels": 12845056}
    counts = {"onevision-anyres": 0, "qwen2.5-vl": 0}
    for path in paths:
        with Image.open(path) as image:
            width, height = image.size
        single = Onevision._get_number_of_features(processor, height, width, 384, 384)
        counts["onevision-anyres"] += single if len(paths) == 1 else processor.num_image_tokens + 1
        counts["qwen2.5-vl"] += qwen.get_number_of_image_patches(height, width, limits) // 4
    return counts


def sample(tokens: Tokenizer, record: dict[str, Any], images: Path) -> dict[str, Any]:
    """Returns the numbers of tokens of one record."""
    count = {"id": record["id"], "text": 0, "answers": 0}
    for turn in record["conversations"]:
        parts = [part for part in str(turn["value"]).split("<image>") if part]
        n = sum(len(tokens.encode(part, add_special_tokens=False).ids) for part in parts)
        count["text"] += n
        if turn["from"] == "gpt":
            count["answers"] += n
    names = record.get("image") or []
    return count | visual([images / name for name in ([names] if isinstance(names, str) else names)])


def main() -> None:
    """Reads the command line."""
    tokens, file = tokenizer(sys.argv[1]), Path(sys.argv[2])
    if len(sys.argv) > 3:
        for record in json.loads(file.read_text()):
            print(json.dumps(sample(tokens, record, Path(sys.argv[3]))))
        return
    texts = [json.loads(line)["text"] for line in file.read_text().splitlines()]
    counts = [len(tokens.encode(text, add_special_tokens=False).ids) for text in texts]
    lines = [json.dumps({"text": text, "tokens": n}) + "\n" for text, n in zip(texts, counts, strict=True)]
    file.write_text("".join(lines))


if __name__ == "__main__":
    main()

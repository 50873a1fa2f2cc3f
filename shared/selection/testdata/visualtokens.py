"""Writes visualtokens.csv: the numbers of tokens of images by the processors of transformers, which need no weights.

python3 visualtokens.py > visualtokens.csv  (in this folder, with transformers, torch and pillow installed)
"""

import random
import sys
from types import SimpleNamespace

import transformers
from transformers.models.llava_onevision.image_processing_pil_llava_onevision import LlavaOnevisionImageProcessorPil
from transformers.models.llava_onevision.processing_llava_onevision import LlavaOnevisionProcessor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

LIMITS = {"qwen2.5-vl": (3136, 12845056), "qwen2.5-vl:3136,1003520": (3136, 1003520)}


def onevision(width: int, height: int) -> int:
    """Returns the processor's count. It builds only the needed parts, because the whole processor needs a tokenizer."""
    processor = SimpleNamespace(
        image_processor=LlavaOnevisionImageProcessorPil(), num_image_tokens=729, vision_aspect_ratio="anyres_max_9"
    )
    processor._get_unpadded_features = lambda *sizes: LlavaOnevisionProcessor._get_unpadded_features(processor, *sizes)
    return LlavaOnevisionProcessor._get_number_of_features(processor, height, width, 384, 384)


def qwen(width: int, height: int, least: int, most: int) -> int:
    """Returns the number of tokens: the image processor's number of patches, divided by four."""
    limits = {"min_pixels": least, "max_pixels": most}
    return Qwen2VLImageProcessorPil().get_number_of_image_patches(height, width, limits) // 4


def sizes() -> list[tuple[int, int]]:
    """Returns image sizes: limits of the formulas, common sizes, and random sizes of all magnitudes."""
    rng = random.Random(1)
    sides = (1, 13, 14, 15, 27, 28, 29, 42, 55, 56, 57, 70, 383, 384, 385, 768, 1152, 1920, 2304, 2305, 4000)
    found = [(w, h) for w in sides for h in sides]
    found += [(w, h) for w in range(300, 1400, 52) for h in (224, 333, 480, 640, 1024)]
    found += [(int(2 ** rng.uniform(3, 13.5)), int(2 ** rng.uniform(3, 13.5))) for _ in range(900)]
    return [(w, h) for w, h in found if max(w, h) <= 200 * min(w, h)]  # smart_resize refuses other sizes


def main() -> None:
    """Writes the table."""
    print(f"# transformers {transformers.__version__}, by visualtokens.py")
    names = [f'"{name}"' if "," in name else name for name in LIMITS]
    print(",".join(["width", "height", "onevision-anyres", *names]))
    for width, height in sizes():
        row = [width, height, onevision(width, height)]
        row += [qwen(width, height, *limits) for limits in LIMITS.values()]
        print(*row, sep=",")


if __name__ == "__main__":
    sys.exit(main())

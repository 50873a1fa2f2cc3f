"""Image treatment of the reference code: METHOD.md, "Image".

Decoding and resizing run in threads, off the GPU's path.
"""

from __future__ import annotations

import io
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from sidecar.observer import Observer
from sidecar.protocol import Fault

SIDE = 384
TREATMENT = f"pil-rgb-bicubic-{SIDE}-mean-std-0.5"
# Some of Pillow's other plugins start programs (EPS) or read other files.
FORMATS = ("AVIF", "BMP", "GIF", "ICO", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP", "TGA")

# The limit is ours, on the size that the header states; Pillow's own would always refuse 179 megapixels.
Image.MAX_IMAGE_PIXELS = None
# Pillow registers its plugins at the first file that needs one, and concurrent threads would see half of them.
Image.init()

Pixels = NDArray[np.uint8]

# What a byte becomes: scaled in float64 and rounded, then normalised in float32, as the reference's processor does.
LEVELS: NDArray[np.float32] = ((np.arange(256) * (1 / 255)).astype(np.float32) - np.float32(0.5)) / np.float32(0.5)


def decode(data: bytes, limit: int) -> Pixels | Fault:
    """The 384 x 384 RGB bytes of an encoded image of at most `limit` pixels, of any aspect."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if width * height > limit:
                return Fault("image_too_large", f"{width} x {height} pixels; {limit} are allowed")
            return np.asarray(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    except MemoryError:
        raise
    except UnidentifiedImageError:
        # Its own text names an address in memory, and a stored reason must be the same twice.
        return Fault("image_undecodable", f"no image of a known format: {', '.join(FORMATS)}")
    except Exception as error:
        return Fault("image_undecodable", f"{type(error).__name__}: {error}")


class Pictures:
    """Images of a batch, decoded or on their way."""

    def __init__(self, futures: dict[int, list[Future[Pixels | Fault]]], observer: Observer) -> None:
        self._futures = futures
        self._observer = observer

    def of(self, item: int) -> list[Pixels] | Fault:
        """An item's images, waited for, or the fault of the first that has one."""
        begun = time.perf_counter()
        decoded = [future.result() for future in self._futures[item]]
        self._observer.seconds("idle", time.perf_counter() - begun)
        pixels: list[Pixels] = []
        for k, image in enumerate(decoded):
            if isinstance(image, Fault):
                return Fault(image.code, f"images[{k}]: {image.detail}")
            pixels.append(image)
        return pixels


class Decoder:
    """A pool of threads that decodes images; Pillow lets go of the interpreter's lock for most of it."""

    def __init__(self, threads: int, limit: int, observer: Observer) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
        self._limit = limit
        self._observer = observer

    def start(self, images: Mapping[int, Sequence[bytes]]) -> Pictures:
        """Begin to decode each item's images, in order."""
        futures = {
            item: [self._pool.submit(self._decode, data) for data in encoded] for item, encoded in images.items()
        }
        return Pictures(futures, self._observer)

    def _decode(self, data: bytes) -> Pixels | Fault:
        begun = time.perf_counter()
        pixels = decode(data, self._limit)
        self._observer.seconds("decode", time.perf_counter() - begun)
        return pixels

"""Decodes and resizes images as the reference code does. README.md, "Model input", has the rules.

The work runs in threads, so the GPU does not wait for it.
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
# Other plugins of Pillow are not allowed: some start programs (EPS) or read further files.
FORMATS = ("AVIF", "BMP", "GIF", "ICO", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP", "TGA")

# `decode` checks the size in the header against its own limit. Pillow's limit would always refuse 179 megapixels.
Image.MAX_IMAGE_PIXELS = None
# Otherwise Pillow registers its plugins at the first file, and other threads may then find only some of them.
Image.init()

Pixels = NDArray[np.uint8]

# The model's input value for each byte of an image. As in the reference code, a byte is scaled in float64, rounded to
# float32, and normalised in float32.
LEVELS: NDArray[np.float32] = ((np.arange(256) * (1 / 255)).astype(np.float32) - np.float32(0.5)) / np.float32(0.5)


def decode(data: bytes, limit: int) -> Pixels | Fault:
    """Decodes an image of any aspect ratio and resizes it. Returns its 384 x 384 RGB bytes, or a fault, for example if
    the image has more than `limit` pixels."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if width * height > limit:
                return Fault("image_too_large", f"{width} x {height} pixels are more than the limit of {limit}")
            return np.asarray(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    except MemoryError:
        raise
    except UnidentifiedImageError:
        # The text of the error holds an address in memory, but a stored reason must not change between runs.
        return Fault("image_undecodable", f"not an image of a known format: {', '.join(FORMATS)}")
    except Exception as error:
        return Fault("image_undecodable", f"{type(error).__name__}: {error}")


class Pictures:
    """The images of a batch. Some images may not be decoded yet."""

    def __init__(self, futures: dict[int, list[Future[Pixels | Fault]]], observer: Observer) -> None:
        self._futures = futures
        self._observer = observer

    def of(self, item: int) -> list[Pixels] | Fault:
        """Waits for the images of an item, and returns them. If an image has a fault, returns the first fault."""
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
    """Decodes images in a pool of threads. Pillow releases the interpreter's lock during most of the work."""

    def __init__(self, threads: int, limit: int, observer: Observer) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
        self._limit = limit
        self._observer = observer

    def start(self, images: Mapping[int, Sequence[bytes]]) -> Pictures:
        """Starts to decode the images of each item, in order."""
        futures = {
            item: [self._pool.submit(self._decode, data) for data in encoded] for item, encoded in images.items()
        }
        return Pictures(futures, self._observer)

    def _decode(self, data: bytes) -> Pixels | Fault:
        begun = time.perf_counter()
        pixels = decode(data, self._limit)
        self._observer.seconds("decode", time.perf_counter() - begun)
        return pixels

"""Images are compared with the steps of the reference code in Pillow: convert, resize, scale, normalise."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from sidecar.images import LEVELS, Decoder, decode
from sidecar.observer import Observer
from sidecar.protocol import Fault

LIMIT = 1_000_000


def noise(*shape: int, kind: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(7).integers(0, np.iinfo(kind).max, shape, dtype=kind)


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def rotated() -> bytes:
    exif = Image.Exif()
    exif[274] = 6
    return saved(Image.fromarray(noise(40, 90, 3)), "JPEG", exif=exif)


def palette() -> bytes:
    return saved(Image.fromarray(noise(33, 50, 3)).quantize(16), "PNG", transparency=3)


MADE: dict[str, Callable[[], bytes]] = {
    "colour under transparency": lambda: saved(
        Image.fromarray(noise(60, 80, 4) * np.uint8([1, 1, 1, 0]), "RGBA"), "PNG"
    ),
    "half transparent": lambda: saved(Image.fromarray(noise(60, 80, 4), "RGBA"), "PNG"),
    "palette": palette,
    "CMYK": lambda: saved(Image.fromarray(noise(60, 80, 4), "CMYK"), "JPEG"),
    "16-bit": lambda: saved(Image.fromarray(noise(50, 70, kind=np.uint16)), "PNG"),
    "1-bit": lambda: saved(Image.fromarray(noise(50, 70)).convert("1"), "PNG"),
    "EXIF-rotated": rotated,
    "1x1": lambda: saved(Image.fromarray(noise(1, 1, 3)), "PNG"),
    "5000x20": lambda: saved(Image.fromarray(noise(20, 5000, 3)), "PNG"),
    "20x5000": lambda: saved(Image.fromarray(noise(5000, 20, 3)), "PNG"),
    "animated": lambda: saved(
        Image.fromarray(noise(30, 30)), "GIF", save_all=True, append_images=[Image.fromarray(255 - noise(30, 30))]
    ),
    "WebP": lambda: saved(Image.fromarray(noise(30, 30, 3)), "WEBP"),
}


@pytest.mark.parametrize("name", MADE)
def test_pixels_equal_those_of_the_reference_steps(name: str) -> None:
    data = MADE[name]()
    expected = Image.open(io.BytesIO(data)).convert("RGB").resize((384, 384), Image.Resampling.BICUBIC)
    got = decode(data, LIMIT)
    assert isinstance(got, np.ndarray) and got.dtype == np.uint8 and got.shape == (384, 384, 3)
    assert np.array_equal(got, np.asarray(expected))
    scaled = (np.asarray(expected).astype(np.float32) / 255 - 0.5) / 0.5
    assert np.abs(LEVELS[got] - scaled).max() < 1e-6


def test_alpha_is_dropped_and_not_composited() -> None:
    red = Image.new("RGBA", (20, 20), (200, 10, 30, 0))
    got = decode(saved(red, "PNG"), LIMIT)
    assert isinstance(got, np.ndarray) and (got == (200, 10, 30)).all()


def test_exif_is_not_applied() -> None:
    data = rotated()
    with Image.open(io.BytesIO(data)) as image:
        assert image.getexif()[274] == 6
    halves = Image.new("RGB", (80, 40), (0, 0, 0))
    halves.paste((255, 255, 255), (0, 0, 40, 40))
    exif = Image.Exif()
    exif[274] = 6
    got = decode(saved(halves, "JPEG", exif=exif), LIMIT)
    assert isinstance(got, np.ndarray) and got[:, :150].min() > 240 and got[:, 230:].max() < 15


def test_portrait_images_are_resized_as_by_the_pinned_pillow() -> None:
    """The reference's figures were made with a version of Pillow that resizes the height of such images first."""
    image = Image.fromarray(noise(768, 281, 3))
    got = decode(saved(image, "PNG"), LIMIT)
    down = image.resize((281, 384), Image.Resampling.BICUBIC).resize((384, 384), Image.Resampling.BICUBIC)
    assert np.array_equal(got, np.asarray(down))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not an image",
        saved(Image.fromarray(noise(90, 90, 3)), "PNG")[:2000],
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    ],
)
def test_undecodable(data: bytes) -> None:
    fault = decode(data, LIMIT)
    assert isinstance(fault, Fault) and fault.code == "image_undecodable"
    assert fault == decode(bytes(bytearray(data)), LIMIT) and " at 0x" not in fault.detail


def test_a_too_large_image_is_refused_by_its_header() -> None:
    # This file of a few hundred bytes has 20,000 x 20,000 pixels. It must not be decoded.
    header = saved(Image.new("1", (20_000, 20_000)), "PNG")[:400]
    fault = decode(header, LIMIT)
    assert isinstance(fault, Fault) and fault.code == "image_too_large" and "20000 x 20000" in fault.detail
    assert decode(header, 400_000_000 - 1) == fault or "399999999" in decode(header, 400_000_000 - 1).detail


def test_many_threads_from_the_first_image_on() -> None:
    data = [make() for make in MADE.values()] * 4
    pictures = Decoder(8, LIMIT, Observer()).start({0: data})
    with ThreadPoolExecutor(1) as alone:
        expected = list(alone.map(lambda d: decode(d, LIMIT), data))
    got = pictures.of(0)
    assert isinstance(got, list) and all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True))

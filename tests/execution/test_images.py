"""Folders of images: pixels arrive where the shape of the input says, and what does not fit is refused in one line."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cmir.execution.streams import read_samples
from cmir.support.diagnostics import CompileError
from cmir.support.numerics import BFLOAT16

UINT8 = {"x": np.dtype(np.uint8)}


def pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).integers(0, 256, shape, np.uint8)


def folder(path: Path, *arrays: np.ndarray) -> Path:
    """Write images, the last one first, beside a file that is none."""
    for n, array in reversed([*enumerate(arrays)]):
        Image.fromarray(array).save(path / f"{n}.png")
    (path / "labels.txt").write_text("3\n")
    return path


@pytest.mark.parametrize(
    ("shape", "channels"),
    [
        ((3, 7, 5), 3),
        ((1, 3, 7, 5), 3),
        ((7, 5, 3), 3),
        ((1, 7, 5, 3), 3),
        ((1, 7, 5, 4), 4),
        ((7, 5), 1),
        ((1, 7, 5), 1),
        ((1, 1, 7, 5), 1),
        ((7, 5, 1), 1),
    ],
)
def test_pixels_by_place(tmp_path: Path, shape: tuple[int, ...], channels: int) -> None:
    images = [pixels(7, 5, channels) + np.uint8(n) for n in range(12)]
    given = folder(tmp_path, *(image[..., 0] if channels == 1 else image for image in images))
    found = read_samples([given], {"x": shape}, UINT8)
    order = sorted(range(12), key=str)
    assert len(found) == 12
    for sample, n in zip(found, order, strict=True):
        assert sample["x"].shape == shape and sample["x"].dtype == np.uint8
        first = shape[-1] not in (3, 4) and shape != (7, 5, 1)
        first = shape[-1] == 5
        flat = sample["x"].reshape((channels, 7, 5) if first else (7, 5, channels))
        for y, x, c in np.ndindex(7, 5, channels):
            assert flat[(c, y, x) if first else (y, x, c)] == images[n][y, x, c]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, BFLOAT16])
def test_floats_are_between_0_and_1(tmp_path: Path, dtype: type) -> None:
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    (sample,) = read_samples([folder(tmp_path, image)], {"x": (16, 16)}, {"x": np.dtype(dtype)})
    np.testing.assert_array_equal(sample["x"], (np.arange(256) / 255).reshape(16, 16).astype(dtype))
    assert (sample["x"].min(), sample["x"].max()) == (0, 1)


def test_other_files_of_images(tmp_path: Path) -> None:
    """JPEG, palettes, and black and white."""
    Image.new("RGB", (6, 4), (255, 0, 0)).save(tmp_path / "a.JPG", quality=95)
    Image.new("RGB", (6, 4), (255, 0, 0)).quantize(4).save(tmp_path / "b.png")
    for sample in read_samples([tmp_path], {"x": (3, 4, 6)}):
        assert np.abs(sample["x"] - np.array([1, 0, 0]).reshape(3, 1, 1)).max() < 0.02
    (tmp_path / "bits").mkdir()
    Image.fromarray(np.eye(4, dtype=bool)).save(tmp_path / "bits" / "a.png")
    (sample,) = read_samples([tmp_path / "bits"], {"x": (4, 4)})
    np.testing.assert_array_equal(sample["x"], np.eye(4))


def test_integers_that_the_type_does_not_have(tmp_path: Path) -> None:
    given = folder(tmp_path, *(np.full((4, 4), value, np.uint8) for value in (127, 128)))
    types = {"x": np.dtype(np.int8)}
    samples = read_samples([given], {"x": (4, 4)}, types)
    assert (samples[0]["x"] == 127).all()
    message = r"1\.png: error: input 'x' of inference 1 must have numbers of type int8"
    with pytest.raises(CompileError, match=message):
        samples[1]


@pytest.mark.parametrize(
    ("mode", "size", "message"),
    [
        ("RGB", (5, 6), "the image is 5×6 with 3 channels, expected 6×5 with 3 channels"),
        ("L", (6, 5), "the image is 6×5 with 1 channel, expected 6×5 with 3 channels"),
        ("RGBA", (6, 5), "the image is 6×5 with 4 channels, expected 6×5 with 3 channels"),
        ("I;16", (6, 5), "the image has pixels of mode 'I;16'; expected 8 bits of grey"),
    ],
)
def test_images_that_do_not_fit(
    tmp_path: Path, mode: str, size: tuple[int, int], message: str
) -> None:
    Image.new("RGB", (6, 5)).save(tmp_path / "0.png")
    Image.new(mode, size).save(tmp_path / "1.png")
    samples = read_samples([tmp_path], {"x": (3, 5, 6)})
    assert samples[0]["x"].shape == (3, 5, 6)
    with pytest.raises(CompileError, match=rf"1\.png: error: {message}"):
        samples[1]


def test_files_that_are_no_images(tmp_path: Path) -> None:
    Image.fromarray(pixels(64, 64)).save(tmp_path / "whole.png")
    content = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "whole.png").unlink()
    for damaged in (b"", b"GIF89a", content[:100], content[:40] + b"?" * 20 + content[60:]):
        (tmp_path / "a.png").write_bytes(damaged)
        with pytest.raises(CompileError, match=r"a\.png: error: cannot read the image: .+"):
            list(read_samples([tmp_path], {"x": (64, 64)}))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((10,), r"'x' is no image of 1, 3 or 4 channels: it has shape \[10\]"),
        ((2, 7, 5), "'x' is no image"),
        ((2, 3, 7, 5), "'x' is no image"),
        ((), "'x' is no image"),
        ((3, 5, 4), "channels may be first or last; give its data as a .npy file"),
    ],
)
def test_inputs_that_are_no_images(tmp_path: Path, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(CompileError, match=message):
        read_samples([folder(tmp_path, pixels(7, 5))], {"x": shape})


def test_a_folder_without_images_or_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CompileError, match="there is no PNG or JPEG file in this folder"):
        read_samples([tmp_path], {"x": (7, 5)})
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "cmir.execution.images.find_spec", lambda name: None if name == "PIL" else find(name)
    )
    with pytest.raises(
        CompileError, match=r"reading images needs Pillow: pip install 'cmir\[images"
    ):
        read_samples([tmp_path], {"x": (7, 5)})

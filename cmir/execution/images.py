"""Folders of images as streams of inferences, read by Pillow, which is an optional package."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError

_SUFFIXES = (".png", ".jpg", ".jpeg")

_CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4}
"""Channels of the modes of Pillow that are read: grey, colours, and colours with opacity."""

_SAME = {"1": "L", "P": "RGB"}
"""Modes whose pixels another mode has: black and white, and a palette of colours."""


class ImageFolder:
    """The PNG and JPEG files in a folder, in the order of their names, as an input of this shape.

    files: of each inference.
    """

    def __init__(self, folder: Path, name: str, shape: Sequence[int]):
        """Find the images. Raises CompileError if there are none, for an input of another shape, or without Pillow."""
        self._layout = _Layout.of(folder, name, shape)
        if find_spec("PIL") is None:
            raise CompileError(folder, "reading images needs Pillow: pip install 'cmir[images]'")
        found = [file for file in folder.iterdir() if file.suffix.lower() in _SUFFIXES]
        self.files = sorted((file for file in found if file.is_file()), key=lambda file: file.name)
        if not self.files:
            raise CompileError(folder, "there is no PNG or JPEG file in this folder")

    def read(self, number: int) -> np.ndarray:
        """Return the pixels of an image as `uint8`, in the shape of the input.

        Raises CompileError for a file that is no image, or whose size or channels are not those of the input.
        """
        from PIL import Image

        file = self.files[number]
        try:
            with Image.open(file, formats=("PNG", "JPEG")) as image:
                mode = _SAME.get(image.mode, image.mode)
                if image.mode == "P" and "transparency" in image.info:
                    mode = "RGBA"
                self._layout.check(file, image.size, mode)
                pixels = np.asarray(image.convert(mode))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise CompileError(file, f"cannot read the image: {error}") from error
        return self._layout.arranged(pixels)


class _Layout:
    """Where an input has the height, the width and the channels of an image."""

    def __init__(self, shape: Sequence[int], size: tuple[int, int, int], channels_first: bool):
        """size: height, width and channels."""
        self._shape, self._size, self._channels_first = shape, size, channels_first

    @staticmethod
    def of(folder: Path, name: str, shape: Sequence[int]) -> _Layout:
        """Return the layout of an input. Raises CompileError if its shape does not say."""
        inner = [*shape[-3:]] if len(shape) > 2 else [1, *shape]
        first = inner[0] in _CHANNELS.values()
        last = len(shape) > 2 and inner[-1] in _CHANNELS.values()
        is_image = len(inner) == 3 and all(x == 1 for x in shape[:-3])
        if not is_image or not (first or last):
            message = f"input '{name}' is no image of 1, 3 or 4 channels: it has shape {[*shape]}"
            raise CompileError(folder, message)
        if first and last:
            message = f"input '{name}' has shape {[*shape]}: channels may be first or last"
            raise CompileError(folder, f"{message}; give its data as a .npy file")
        height, width, channels = (*inner[1:], inner[0]) if first else inner
        return _Layout(shape, (height, width, channels), first)

    def check(self, file: Path, size: tuple[int, int], mode: str) -> None:
        """Raise CompileError unless an image fits. size: width and height."""
        height, width, channels = self._size
        if mode not in _CHANNELS:
            message = f"the image has pixels of mode '{mode}'; expected 8 bits of grey, RGB or RGBA"
            raise CompileError(file, message)
        if (*size[::-1], _CHANNELS[mode]) != self._size:
            expected = f"{width}×{height} with {count_of(channels, 'channel')}"
            got = f"{size[0]}×{size[1]} with {count_of(_CHANNELS[mode], 'channel')}"
            raise CompileError(file, f"the image is {got}, expected {expected} (width×height)")

    def arranged(self, pixels: np.ndarray) -> np.ndarray:
        """Return pixels, shape (height, width) or (height, width, channels), in the shape of the input."""
        pixels = pixels.reshape(self._size)
        return (pixels.transpose(2, 0, 1) if self._channels_first else pixels).reshape(self._shape)

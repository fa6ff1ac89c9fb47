"""Messages between a process and the one that evaluates models for it: tagged lists of arrays on a pipe."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from io import BytesIO
from typing import IO

import numpy as np

from cmir.support.numerics import plain

ARRAYS, GUIDE, NAME, ERROR = b"A", b"G", b"N", b"E"
"""Tags: inputs or outputs of an inference; a guide for the next inference (its tolerance, the names of its nodes, and
an array for each); the evaluator's name; the reason why there is no result, as text."""

_HEADER = struct.Struct("<cQ")
_LENGTH = struct.Struct("<Q")


def send(stream: IO[bytes], tag: bytes, arrays: Sequence[np.ndarray]) -> None:
    """Write a message. Raises ValueError for arrays of objects, before anything is written."""
    contents = [_bytes(array) for array in arrays]
    stream.write(_HEADER.pack(tag, len(contents)))
    for content in contents:
        stream.write(_LENGTH.pack(len(content)))
        stream.write(content)
    stream.flush()


def send_text(stream: IO[bytes], tag: bytes, text: str) -> None:
    send(stream, tag, [np.array(text)])


def receive(stream: IO[bytes]) -> tuple[bytes, list[np.ndarray]]:
    """Read a message: its tag and arrays. Raises EOFError if the stream ends first."""
    tag, count = _HEADER.unpack(_read(stream, _HEADER.size))
    arrays: list[np.ndarray] = []
    for _ in range(count):
        (length,) = _LENGTH.unpack(_read(stream, _LENGTH.size))
        arrays.append(np.load(BytesIO(_read(stream, length)), allow_pickle=False))
    return tag, arrays


def _bytes(array: np.ndarray) -> bytes:
    buffer = BytesIO()
    np.lib.format.write_array(buffer, plain(array), allow_pickle=False)
    return buffer.getvalue()


def _read(stream: IO[bytes], length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise EOFError("the stream ended in a message")
    return data

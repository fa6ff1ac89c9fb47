"""The limit of memory, and the texts of what exceeds it."""

from __future__ import annotations

import pytest

from cmir.support.diagnostics import CompileError
from cmir.support.limits import (
    VARIABLE,
    bytes_text,
    check_memory,
    count_text,
    memory_limit,
    parse_size,
)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (999_999, "999999"), (10**6, "10^6"), (2**31, "2.1*10^9"), (10**12, "10^12")],
)
def test_count_text(count: int, text: str) -> None:
    assert count_text(count) == text


def test_count_text_rounds_up_to_the_next_power() -> None:
    assert count_text(99_999_999) == "10^8"


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (8 * 10**12, "7.3 TiB")],
)
def test_bytes_text(size: int, text: str) -> None:
    assert bytes_text(size) == text


@pytest.mark.parametrize(
    ("text", "size"), [("1", 1), ("8GiB", 2**33), ("1.5 MB", 3 * 2**19), ("2k", 2048)]
)
def test_parse_size(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "-1", "GiB", "1 XB", "1e9", "nan"])
def test_texts_that_are_no_sizes(text: str) -> None:
    with pytest.raises(ValueError, match="must be a size such as 500MiB or 8GiB"):
        parse_size(text)


def test_the_machine_is_the_limit_unless_the_user_sets_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert memory_limit() > 2**27
    monkeypatch.setenv(VARIABLE, "1KiB")
    assert memory_limit() == 1024
    check_memory("file", "there are numbers", 1024)
    with pytest.raises(CompileError) as error:
        check_memory("file", "there are numbers", 1025)
    assert str(error.value) == (
        "file: error: there are numbers; running it needs about 1 KiB, more than 1 KiB (see --memory)"
    )


def test_a_limit_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "much")
    with pytest.raises(CompileError, match="CMIR_MEMORY: error: must be a size"):
        memory_limit()

"""The memory that a computation may take, and the refusal of one that would take more, before it starts."""

from __future__ import annotations

import os
import re
from decimal import Decimal
from functools import cache

from cmir.support.diagnostics import CompileError, Where

VARIABLE = "CMIR_MEMORY"
"""The environment variable with the limit, for a tool and for the processes that it starts."""

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGTPE]?)(?:i?B)?", re.IGNORECASE)


class TooLargeError(CompileError):
    """A computation that would take more memory than there is."""


def parse_size(text: str) -> int:
    """Return the bytes that a text such as `500MB` or `8 GiB` means, in units of 1024. Raises ValueError."""
    match = _SIZE.fullmatch(text.strip())
    if match is None or float(match[1]) <= 0:
        raise ValueError(f"must be a size such as 500MiB or 8GiB, got '{text}'")
    return int(float(match[1]) * 1024 ** " KMGTPE".index(match[2].upper() or " "))


def memory_limit() -> int:
    """Return the most bytes that a computation may take.

    This is what the user allows, else what the machine and the limits of the process have: not what is free at the
    moment, because what is accepted does not depend on what else runs.
    """
    if allowed := os.environ.get(VARIABLE):
        try:
            return parse_size(allowed)
        except ValueError as error:
            raise CompileError(VARIABLE, str(error)) from None
    return min(_physical(), _address_space())


def check_memory(where: Where, what: str, size: int) -> None:
    """Refuse a computation that takes more memory than there is.

    what: the reason in a clause, such as "the domain of @s has 10^12 iterations". size: the bytes that it takes, about.
    Raises TooLargeError.
    """
    if size > (limit := memory_limit()):
        needs = f"needs about {bytes_text(size)}, more than {bytes_text(limit)} (see --memory)"
        raise TooLargeError(where, f"{what}; running it {needs}")


def count_text(count: int) -> str:
    """Return a number for a message: large ones as powers of ten, `10^12` or `2.1*10^9`."""
    if count < 10**6:
        return str(count)
    mantissa, exponent = f"{Decimal(count):.1e}".split("e+")
    mantissa = mantissa.removesuffix(".0")
    return f"10^{exponent}" if mantissa == "1" else f"{mantissa}*10^{exponent}"


def bytes_text(size: int) -> str:
    """Return a size for a message: `7.3 TiB`."""
    unit = max(0, min(len(_UNITS) - 1, (size.bit_length() - 1) // 10))
    value = size / 1024**unit
    return (
        f"{value:.0f} {_UNITS[unit]}" if value >= 10 or not unit else f"{value:.2g} {_UNITS[unit]}"
    )


@cache
def _physical() -> int:
    """Return the bytes of memory of the machine, or of the control group that the process is in."""
    try:
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not POSIX
        return 1 << 62
    try:
        with open("/sys/fs/cgroup/memory.max", encoding="ascii") as file:
            group = file.read().strip()
    except OSError:
        return machine
    return min(machine, int(group)) if group.isdecimal() else machine


def _address_space() -> int:
    """Return the bytes that the process may map."""
    try:
        import resource
    except ModuleNotFoundError:  # not POSIX
        return 1 << 62
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return 1 << 62 if soft == resource.RLIM_INFINITY else soft

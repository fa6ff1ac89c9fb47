"""Settings for all tests."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import settings

# A shell starts jobs in the background with SIGINT ignored, and nohup ignores SIGHUP. Tools that tests start would
# inherit that, and not be interrupted; a handler that does nothing is not inherited.
for _number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, lambda *_: None)

# No deadlines: a busy machine must not fail a test.
settings.register_profile("default", deadline=None)
# For a change to the mathematics: pytest --hypothesis-profile=thorough tests/isl
# For one to an operator or pass: the same with tests/end_to_end/test_random_networks.py::test_random_networks
settings.register_profile("thorough", deadline=None, max_examples=2000)
# CI draws the same examples each time, so that a change is judged by itself; runs by hand go on searching.
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write expected results instead of checking"
    )

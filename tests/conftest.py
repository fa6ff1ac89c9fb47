"""Settings for all tests."""

from __future__ import annotations

import pytest
from hypothesis import settings

# No deadlines: a busy machine must not fail a test.
settings.register_profile("default", deadline=None)
# For a change to the mathematics: pytest --hypothesis-profile=thorough tests/isl
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write expected results instead of checking"
    )

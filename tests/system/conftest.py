"""Fixtures of the tests from outside."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.program import Program


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """The real program in an empty home."""
    program = Program(tmp_path / "home")
    yield program
    program.stop()

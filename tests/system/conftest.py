"""Fixtures of the tests from outside."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.program import Program


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """The real program in an empty home; whatever a test did to it, what it leaves passes `farthing verify`."""
    program = Program(tmp_path / "home")
    yield program
    program.stop()
    if (program.home / "farthing.db").is_file():
        Program(program.home).run("verify")  # whatever settings a test tried

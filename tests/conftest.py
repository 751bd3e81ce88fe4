"""What all tests share."""

import shutil
from collections.abc import Iterator

import pytest

from tests.servers import Servers, new_servers


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Real database servers, started when first asked for."""
    started = new_servers()
    yield started
    started.stop()
    shutil.rmtree(started.folder, ignore_errors=True)

"""An empty server becomes a store once, whoever starts first, and lets go of it afterwards."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from farthing.kernel.database import open_database
from farthing.kernel.migrate import migrate, newest_version, schema_version
from tests.servers import Servers, needs

pytestmark = pytest.mark.books


def test_many_start_on_an_empty_store(engine: str, servers: Servers, tmp_path: Path) -> None:
    url = needs(engine, servers)
    stores = [open_database(url, tmp_path) for _ in range(3)]
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(migrate, stores))
    assert {schema_version(store) for store in stores} == {newest_version()}
    for store in stores:
        store.engine.dispose()


def test_one_store_does_not_hold_up_another(engine: str, servers: Servers, tmp_path: Path) -> None:
    """Both on one server, and the first still open."""
    first, second = (open_database(needs(engine, servers), tmp_path / name) for name in ("a", "b"))
    (tmp_path / "a").mkdir(exist_ok=True)
    (tmp_path / "b").mkdir(exist_ok=True)
    for store in (first, second):
        migrate(store)
        assert schema_version(store) == newest_version()
    first.engine.dispose()
    second.engine.dispose()

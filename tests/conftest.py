"""What all tests share."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.servers import Servers, new_servers

# a busy machine is no failure: nothing here is about how long it takes
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
ON_POSTGRESQL_AT_ONCE = (  # where the database decides; the rest of the service suite follows with the long tests
    *("test_usage_laws.py", "test_bill_runs.py", "test_subscriptions.py", "test_idempotency.py", "test_house.py"),
    *("test_constraints.py", "test_customers.py", "test_customer_store.py", "test_customers_apart.py"),
)


WITH_MONGODB_AT_ONCE = (  # which is about where customers are
    *("test_customers.py", "test_customer_store.py", "test_customers_apart.py", "test_owed_names.py"),
    *("test_idempotency.py", "test_mongo.py"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The quick suite tells most on SQLite alone; `make test-long` tells all of it on the others too."""
    for item in items:
        engine = item.callspec.params.get("engine") if hasattr(item, "callspec") else None
        later = engine == "postgresql" and item.path.name not in ON_POSTGRESQL_AT_ONCE
        later = later or (engine == "mongodb" and item.path.name not in WITH_MONGODB_AT_ONCE)
        if later or engine == "mariadb" or (engine == "apart" and item.path.name != "test_services.py"):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Real database servers, started when first asked for."""
    started = new_servers()
    yield started
    started.stop()
    shutil.rmtree(started.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real files that nobody on this project wrote; a skip with the reason where there is none."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("FARTHING_REAL_DATA") or default)
    if not (folder / "access.log").is_file():
        assert os.environ.get("CI") != "true", f"FARTHING_REAL_DATA names no folder with access.log: {folder}"
        pytest.skip(f"no real data at {folder}; FARTHING_REAL_DATA names its folder")
    return folder

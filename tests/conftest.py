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
# what the quick suite tells of other engines than SQLite, of the whole program, and of long stories: the rest follows
# with the long tests, which are told of all of them
AT_ONCE = {
    "postgresql": ("test_house.py", "test_constraints.py", "test_idempotency.py", "test_customer_store.py"),
    "mongodb": ("test_customers.py", "test_customer_store.py"),
    "apart": ("test_services.py",),
    "mariadb": (),
}
# what tells nothing new with its room served apart, or little: one room answers, and others are hardly asked
OF_ONE_ROOM = (
    "test_http.py", "test_identity_tokens.py", "test_identity_organization.py", "test_identity_login.py",
    "test_identity_api_keys.py", "test_rate.py", "test_catalog_plans.py", "test_catalog_meters.py", "test_taxes.py",
    "test_journal_export.py", "test_bank_transactions.py", "test_constraints.py", "test_customers.py",
    "test_events.py", "test_line_exports.py", "test_reconciliations.py",
)
SYSTEM_AT_ONCE = ("test_readme.py", "test_serving.py", "test_deployment_files.py")
FOLDERS = {"system": SYSTEM_AT_ONCE, "faults": (), "scenarios": ("test_a_customers_year.py", "test_state_machine.py")}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The quick suite tells most on SQLite alone, `make test-long` the rest, and `make test-every` all there is."""
    for item in items:
        engine = str(item.callspec.params.get("engine")) if hasattr(item, "callspec") else ""
        at_once = AT_ONCE.get(engine, (item.path.name,)), FOLDERS.get(item.path.parent.name, (item.path.name,))
        if not all(item.path.name in names for names in at_once):
            item.add_marker(pytest.mark.slow)
        if engine == "apart" and item.path.name in OF_ONE_ROOM:
            item.add_marker(pytest.mark.every)


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

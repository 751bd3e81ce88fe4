"""Sets of keys against a list of hashes: whatever happens, a claim is right."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from farthing.kernel.database import Database, open_database
from farthing.usage.events.keyset.index import IndexKeys
from farthing.usage.events.keyset.values import KeySet
from tests.unit.usage.keyset_world import Kept, World, make_tables, rows_after

HASHES = st.one_of(st.integers(0, 40), st.sampled_from([-(2**63), 2**63 - 1, -1, 1 << 40, -(1 << 40)]))
BATCH = st.lists(HASHES, max_size=8)


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with TemporaryDirectory() as folder:
        opened = open_database("", Path(folder))
        make_tables(opened)
        yield opened
        opened.engine.dispose()


class Keys(RuleBasedStateMachine):
    """Batches that commit or not, rows that came from elsewhere, databases restored; more by each engine."""

    database: Database
    numbers = count()
    kept: Kept
    world: World

    def engine(self) -> KeySet:
        return IndexKeys(rows_after)

    @initialize()
    def begin(self) -> None:
        self.world = World(self.database, f"org_{next(self.numbers)}")
        self.kept = self.world.kept()
        self.keys = self.engine()

    @rule(batches=st.lists(BATCH, min_size=1, max_size=3), anyway=st.booleans(), commit=st.booleans())
    def send(self, batches: list[list[int]], anyway: bool, commit: bool) -> None:
        self.world.send(self.keys, *batches, anyway=anyway, commit=commit)

    @rule(batch=BATCH)
    def others_append(self, batch: list[int]) -> None:
        with self.database.write() as connection:
            self.world.append(connection, batch)

    @rule()
    def back_up(self) -> None:
        self.kept = self.world.kept()

    @rule()
    def restore(self) -> None:
        self.world.restore(self.kept)


def test_keys_in_an_index(database: Database) -> None:
    class Index(Keys):
        pass

    Index.database = database
    run(Index, 40)


def run(machine: type[Keys], examples: int) -> None:
    chosen = settings(max_examples=examples, stateful_step_count=25, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(machine, settings=chosen)

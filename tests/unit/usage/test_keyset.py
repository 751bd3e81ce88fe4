"""Sets of keys against a list of hashes: whatever happens, a claim is right."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from farthing.kernel.database import Database
from farthing.kernel.opening import open_database
from farthing.usage.events.keyset.file_keys import FileKeys
from farthing.usage.events.keyset.index import IndexKeys
from farthing.usage.events.keyset.values import KeySet
from tests.unit.usage.keyset_world import Kept, World, held, make_tables, rows_after

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
        self.other = World(self.database, f"org_{next(self.numbers)}")
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


class InFiles(Keys):
    """Two processes on one folder, opened again now and then, whose files are damaged or vanish."""

    folder: Path

    def engine(self) -> KeySet:
        return FileKeys(self.folder, rows_after, size=6, in_memory=30, background=False)

    @initialize()
    def begin(self) -> None:
        super().begin()
        self.others = self.engine()
        self.copied: dict[Path, bytes] = {}

    def teardown(self) -> None:
        rmtree(self.folder, ignore_errors=True)

    @rule()
    def take_turns(self) -> None:
        self.keys, self.others = self.others, self.keys

    @rule()
    def open_again(self) -> None:
        self.keys = self.engine()

    @rule(batches=st.lists(BATCH, min_size=1, max_size=3), commit=st.booleans())
    def send_to_another(self, batches: list[list[int]], commit: bool) -> None:
        """Another organisation wants its share of the memory."""
        self.other.send(self.keys, *batches, commit=commit)

    @rule()
    def warm(self) -> None:
        keys = self.engine()
        assert isinstance(keys, FileKeys)
        with self.database.read() as connection:
            keys.warm(connection, held(connection, self.world.organization))
        self.keys = keys

    @rule(number=st.integers(0, 20), damage=st.sampled_from(["gone", "cut", "changed", "empty"]), at=st.integers(0))
    def damage(self, number: int, damage: str, at: int) -> None:
        """What is open stays as it is, as it does when a file is replaced."""
        files = sorted(self.folder.glob("*/*.keys"))
        path = files[number % len(files)] if files else self.folder / "none"
        if not files or not (before := path.read_bytes()):
            return
        path.unlink()
        if damage != "gone":
            place = at % len(before)
            changed = before[:place] + bytes([before[place] ^ 1]) + before[place + 1 :]
            path.write_bytes({"cut": before[:place], "changed": changed, "empty": b""}[damage])

    @rule()
    def back_up_files(self) -> None:
        """Into a folder of its own, which is put back later."""
        self.copied = {path: path.read_bytes() for path in self.folder.glob("*/*.keys")}

    @rule()
    def restore_files(self) -> None:
        for path in self.folder.glob("*/*.keys"):
            path.unlink()
        for path, content in self.copied.items():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)


def test_keys_in_files(database: Database) -> None:
    with TemporaryDirectory() as folder:
        class Files(InFiles):
            pass

        Files.database, Files.folder = database, Path(folder)
        run(Files, 40)


def test_keys_in_an_index(database: Database) -> None:
    class Index(Keys):
        pass

    Index.database = database
    run(Index, 15)


def run(machine: type[Keys], examples: int) -> None:
    chosen = settings(max_examples=examples, stateful_step_count=25, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(machine, settings=chosen)

"""Many readers of a cold answer cause one load, in a process and between them; none takes what began too early."""

import threading
from pathlib import Path

from farthing.kernel.cache.beliefs import Belief
from farthing.kernel.cache.bodies import Bodies, Entry
from farthing.kernel.cache.generations import Generations
from farthing.kernel.cache.local import GenerationKeeper
from farthing.kernel.cache.mending import Mending
from farthing.kernel.cache.shared import SharedKeeper
from farthing.kernel.cache.shelf import ANSWER, RELEASE
from farthing.kernel.cache.values import Kept, Key
from tests.unit.kernel.cache.world import KEY, Process, World


def test_readers_in_a_process_wait_for_one_load(tmp_path: Path) -> None:
    keeper = GenerationKeeper(Generations(tmp_path / "g"))
    loading, go_on = threading.Event(), threading.Event()
    loads, found = [], []

    def load() -> Kept:
        loads.append(1)
        loading.set()
        go_on.wait(20)
        return Kept(b"body", 1)

    readers = [threading.Thread(target=lambda: found.append(keeper.get(KEY, load))) for _ in range(8)]
    readers[0].start()
    assert loading.wait(20)
    for reader in readers[1:]:
        reader.start()
    go_on.set()
    for reader in readers:
        reader.join(20)
    assert (len(loads), [one.kept for one in found]) == (1, [Kept(b"body", 1)] * 8)


def test_who_waited_does_not_take_what_was_loaded_before_a_write(tmp_path: Path) -> None:
    generations = Generations(tmp_path / "g")
    keeper = GenerationKeeper(generations)
    version = [1]

    def load() -> Kept:
        found = Kept(b"", version[0])
        if version[0] == 1:  # a write is acknowledged while this load is under way
            with generations.changing(frozenset({KEY.name})):
                version[0] = 2
        return found

    assert keeper.get(KEY, load).kept.version == 1
    assert keeper.get(KEY, load).kept.version == 2


def test_readers_of_two_processes_wait_for_one_load() -> None:
    """The second looks again until the first has filled."""
    world = World([])
    world.belief = Belief(7, "master 1")
    loads: list[str] = []

    def keeper(pause: object) -> SharedKeeper:
        beliefs = Process(world, [], True).beliefs
        return SharedKeeper(beliefs, world.redis, Mending(beliefs, world.redis), pause)  # type: ignore[arg-type]

    def first_load() -> Kept:
        loads.append("first")
        second = keeper(lambda seconds: finished.append(world.redis.run(fill())))
        assert second.get(KEY, second_load).kept == Kept(b"body", 1)
        return Kept(b"body", 1)

    def second_load() -> Kept:
        loads.append("second")
        return Kept(b"body", 1)

    def fill() -> tuple[str, ...]:
        [(key, (value, _))] = world.redis.data.items()
        assert value.startswith(b"?")
        world.redis.data[key] = (ANSWER + RELEASE + b"1\nbody", world.clock + 1)
        return ("GET", key)

    finished: list[object] = []
    assert keeper(world.pause).get(KEY, first_load).hit is False
    assert (loads, len(finished)) == (["first"], 1)


def test_memory_is_bounded_by_bytes_and_the_least_asked_for_goes_first() -> None:
    bodies = Bodies(most_bytes=4_000)
    keys = [Key("org_1", f"inv_{number}") for number in range(4)]
    for key in keys[:3]:
        bodies.put(key, Entry(Kept(b"x" * 800, 1), 0))
    assert bodies.get(keys[0]) is not None
    bodies.put(keys[3], Entry(Kept(b"x" * 800, 1), 0))
    assert [bodies.get(key) is not None for key in keys] == [True, False, True, True]


def test_a_slow_reader_does_not_put_back_an_older_answer() -> None:
    bodies = Bodies()
    for generation, version in ((4, 3), (2, 2), (4, 2)):
        bodies.put(KEY, Entry(Kept(b"", version), generation))
    assert bodies.get(KEY) == Entry(Kept(b"", 3), 4)

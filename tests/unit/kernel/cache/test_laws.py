"""No read is older than a write that was acknowledged before it began (I11), in whatever order things happen."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from farthing.kernel.cache.beliefs import LEASE_SECONDS, Belief
from farthing.kernel.cache.mending import Mending
from farthing.kernel.cache.server import Command, Gone
from tests.unit.kernel.cache.world import Process, World

TAPES = st.lists(st.integers(0, 2**14), max_size=250)
ACTS = st.lists(st.sampled_from(["read", "read", "write", "again"]), max_size=6)


@given(tape=TAPES, one=ACTS, two=ACTS, three=ACTS, without=st.lists(st.sampled_from(["read", "write"]), max_size=2))
@settings(max_examples=300, deadline=None)
def test_no_read_is_older_than_an_acknowledged_write(
    tape: list[int], one: list[str], two: list[str], three: list[str], without: list[str]
) -> None:
    """With commands that are lost, late or unanswered, a Redis emptied or older than it was, and processes killed."""
    world = World(tape)
    world.run((one, True), (two, True), (three, True), (without, False))


def test_what_others_could_still_read_is_acknowledged_late() -> None:
    """Whoever finds that Redis cannot be told waits until no process believes in it any more."""
    world = World([])
    world.run((["read"] * 3, True))
    assert world.hits == 1
    began = world.clock
    world.redis.ask = gone  # type: ignore[method-assign]
    world.run((["write"], True))
    assert world.belief.server is None
    assert world.clock >= began + LEASE_SECONDS
    before = world.clock
    world.run((["write"], True))  # another process, that cannot know since when
    assert world.clock >= before + LEASE_SECONDS


def test_nobody_is_believed_anew_while_the_old_belief_may_be_held() -> None:
    world = World([])
    world.belief = Belief(5, None)
    beliefs = Process(world, [], True).beliefs
    mending = Mending(beliefs, world.redis, lambda work: work())
    for seconds, server in ((0.0, None), (LEASE_SECONDS, None), (LEASE_SECONDS, "master 1")):
        world.clock += seconds
        mending.mend(Belief(5, None))
        assert world.belief.server == server


def test_a_follower_is_not_believed() -> None:
    world = World([])
    world.redis.identity_now = "slave 1"
    Mending(Process(world, [], True).beliefs, world.redis, lambda work: work()).mend(world.belief)
    assert world.belief == Belief(0, None)


def gone(identity: str, commands: Sequence[Command]) -> list[Any]:
    raise Gone

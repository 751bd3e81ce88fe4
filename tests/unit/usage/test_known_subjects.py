"""Numbers of names are remembered until the stream says that one may be another."""

from dataclasses import replace

from farthing.usage.events.streams import Stream
from farthing.usage.subjects import known
from farthing.usage.subjects.known import KnownSubjects

STREAM = Stream("org_1", number=1, seed=7, last_seq=10, last_ref=2, stored=8)


def test_they_outlive_events_voids_and_new_names() -> None:
    names = KnownSubjects()
    names.add(STREAM, {"acme": 1})
    later = replace(STREAM, last_seq=20, stored=18, last_ref=5)
    names.add(later, {"globex": 5})
    assert names.of(later) == {"acme": 1, "globex": 5}


def test_not_a_binding_nor_another_history() -> None:
    for other in (
        replace(STREAM, last_seq=11), replace(STREAM, seed=8), replace(STREAM, last_ref=1), replace(STREAM, number=2)
    ):
        names = KnownSubjects()
        names.add(STREAM, {"acme": 1})
        assert names.of(other) == {}


def test_memory_is_bounded() -> None:
    names = KnownSubjects()
    for number in range(3):
        names.add(replace(STREAM, organization=f"org_{number}"), {f"s{n}": n for n in range(known.MOST_NAMES // 2)})
    assert sum(len(refs) for _, refs in names._known.values()) <= known.MOST_NAMES

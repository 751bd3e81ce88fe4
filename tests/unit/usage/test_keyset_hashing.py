"""Names of events as 64 bits."""

from hypothesis import given
from hypothesis import strategies as st

from farthing.usage.events.keyset.hashing import hash_of, hashes_of, void_hash_of

NAMES = st.tuples(st.text(max_size=12), st.text(max_size=12))


def test_the_length_says_where_the_source_ends() -> None:
    """Else a source and an id could be cut elsewhere and be another event."""
    assert len({hash_of(7, "ab", "c"), hash_of(7, "a", "bc"), hash_of(7, "", "abc"), hash_of(7, "1:a", "bc")}) == 4


def test_a_void_has_a_name_of_its_own() -> None:
    events = [("a", "b"), ("void1:a", "b"), ("", "void1:ab"), ("void", "1:ab")]
    assert void_hash_of(7, "a", "b") not in [hash_of(7, source, id) for source, id in events]


def test_the_secret_changes_every_name() -> None:
    assert hash_of(7, "a", "b") != hash_of(8, "a", "b")
    assert void_hash_of(7, "a", "b") != void_hash_of(8, "a", "b")


def test_hashes_stay_what_they_are() -> None:
    """They are stored: another version of the library must not give others."""
    assert hash_of(2**64 - 1, "payments", "evt-1") == -1773578741692913031
    assert void_hash_of(0, "payments", "evt-1") == 6871257973096482609


@given(st.integers(0, 2**64 - 1), st.lists(NAMES, max_size=20))
def test_many_are_hashed_as_one_is(seed: int, names: list[tuple[str, str]]) -> None:
    hashes = hashes_of(seed, names)
    assert hashes == [hash_of(seed, source, id) for source, id in names]
    assert all(-(2**63) <= hash < 2**63 for hash in hashes)

"""Passwords and usernames."""

import pytest

from farthing.identity.users.passwords import HASHER, NOBODYS, hashed, is_password
from farthing.identity.users.store import folded


def test_a_password_is_known_by_its_hash() -> None:
    hash = hashed("correct horse")
    assert is_password(hash, "correct horse")
    assert not is_password(hash, "correct horsE")
    assert hash != hashed("correct horse")
    assert "correct" not in hash


def test_nobodys_hash_takes_as_long_as_any_and_never_is() -> None:
    """The same parameters, so the same work; and a right answer would still be wrong."""
    assert not HASHER.check_needs_rehash(NOBODYS)
    assert not is_password(None, "anything at all")


@pytest.mark.parametrize("hash", ["", "nonsense", "$argon2id$v=19$m=1$x$y", "$2b$12$abc"])
def test_a_hash_that_is_none_lets_nobody_in(hash: str) -> None:
    assert not is_password(hash, "")
    assert not is_password(hash, "x")


def test_two_spellings_of_one_text_are_one_password() -> None:
    """However a keyboard composes its accents."""
    assert is_password(hashed("caf\u00e9-caf\u00e9"), "cafe\u0301-cafe\u0301")


@pytest.mark.parametrize(("one", "other", "same"), [
    ("Ann", "ANN", True), ("stra\u00dfe", "STRASSE", True), ("caf\u00e9", "CAFE\u0301", True), ("ann", "anne", False),
])
def test_names_are_one_whatever_their_case(one: str, other: str, same: bool) -> None:
    assert (folded(one) == folded(other)) is same

"""Searching by the beginning of a text, as a range."""

from hypothesis import given
from hypothesis import strategies as st

from farthing.customers.store_mongo import beginning_with

TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("a\ud7ff\ue000\U0010ffff"), max_size=4)


@given(prefix=TEXTS, text=TEXTS, inside=st.booleans())
def test_the_range_holds_what_begins_so_and_nothing_else(prefix: str, text: str, inside: bool) -> None:
    """MongoDB compares texts by their bytes in UTF-8, which sort like their characters."""
    text = prefix + text if inside else text
    between = beginning_with(prefix)
    found = between["$gte"].encode() <= text.encode()
    if "$lt" in between:
        found = found and text.encode() < between["$lt"].encode()
    assert found == text.startswith(prefix)

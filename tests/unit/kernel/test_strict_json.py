"""JSON keeps every digit and refuses what other parsers let through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.kernel.problems import Invalid, Malformed, TooLarge
from farthing.kernel.strict_json import JsonNumber, canonical, dumps, loads


@pytest.mark.parametrize("text", [
    *("NaN", '{"a": Infinity}', "[-Infinity]", '{"a": 1', "", "'a'", "{}x", "\ufeff{}", "01"),
])
def test_what_is_not_json_is_refused(text: str) -> None:
    """T01, T12: the standard parser takes the first three."""
    with pytest.raises(Malformed):
        loads(text.encode())


def test_a_key_twice_is_refused() -> None:
    """T07: both halves of a proxy chain would believe another one."""
    with pytest.raises(Malformed, match="duplicate key"):
        loads(b'{"quantity": "1", "quantity": "100"}')


@pytest.mark.parametrize("text", [b'{"a": "\\ud800"}', b'{"a": ["\\u0000"]}', b'{"\\udfff": 1}'])
def test_text_that_no_store_can_hold_is_refused(text: bytes) -> None:
    """T08."""
    with pytest.raises(Invalid):
        loads(text)


def test_a_surrogate_pair_is_a_character() -> None:
    assert loads(b'"\\ud83d\\ude00"') == "\U0001f600"


def test_depth_and_width_are_bounded() -> None:
    """T10: neither a crash nor a slow answer."""
    with pytest.raises(Malformed):
        loads(b"[" * 100_000 + b"]" * 100_000)
    with pytest.raises(Malformed):
        loads(b"[" * 101 + b"]" * 101)
    assert loads(b"[" * 100 + b"]" * 100)
    with pytest.raises(TooLarge):
        loads(b"{" + b",".join(b'"%d":0' % n for n in range(10_001)) + b"}")


@pytest.mark.parametrize("literal", [
    *("0.1", "18446744073709551616", "1e999", "0.1000000000000000055511151231257827", "-0.0"),
])
def test_numbers_come_out_digit_for_digit(literal: str) -> None:
    """T05, T06: nothing passes through a binary float."""
    assert dumps(loads(f'{{"a":[{literal}]}}'.encode())) == f'{{"a":[{literal}]}}'.encode()


@pytest.mark.parametrize("same", ["1", "1.0", "1.000", "1e0", "10e-1", "0.1E+1"])
def test_a_number_is_canonical_however_it_is_written(same: str) -> None:
    assert canonical(loads(same.encode())) == canonical(JsonNumber("1"))


def test_a_number_and_a_text_are_not_the_same() -> None:
    assert canonical(loads(b"1")) != canonical(loads(b'"1"'))


json_values = st.recursive(
    st.none() | st.booleans() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
    | st.decimals(allow_nan=False, allow_infinity=False).map(lambda d: JsonNumber(format(d, "f"))),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs", "Cc"])), inner),
    max_leaves=20,
)


@given(json_values)
def test_what_is_written_reads_back(value: object) -> None:
    """The law behind all of it: no round trip changes anything."""
    assert loads(dumps(value)) == value
    assert canonical(loads(dumps(value))) == canonical(value)

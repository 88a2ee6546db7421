"""Every document comes back as it was."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from lics_beamline.errors import JournalError
from lics_beamline.journal.codec import TAG, Encoder, decode


def same(left, right):
    """Equality that knows NaN, the type of a number, the order of keys, and dtype and shape of arrays."""
    match left:
        case dict():
            return (
                isinstance(right, dict)
                and list(left) == list(right)
                and all(same(left[key], right[key]) for key in left)
            )
        case list() | tuple():
            return isinstance(right, list) and len(left) == len(right) and all(map(same, left, right))
        case np.ndarray():
            return (
                isinstance(right, np.ndarray)
                and left.dtype == right.dtype
                and left.shape == right.shape
                and left.tobytes() == right.tobytes()
            )
        case float():
            if math.isnan(left):
                return isinstance(right, float) and math.isnan(right)
            return isinstance(right, float) and left == right and math.copysign(1, left) == math.copysign(1, right)
        case _:
            return type(left) is type(right) and left == right


def back(value):
    line = Encoder().line("event", {"uid": "e", "data": value})
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    name, doc = decode(line)
    assert name == "event"
    return doc["data"]


dtypes = st.one_of(
    npst.boolean_dtypes(),
    npst.integer_dtypes(),
    npst.unsigned_integer_dtypes(),
    npst.floating_dtypes(),
    npst.complex_number_dtypes(),
    npst.datetime64_dtypes(),
    npst.unicode_string_dtypes(),
    npst.byte_string_dtypes(),
    npst.array_dtypes(),
)
arrays = npst.arrays(dtypes, npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), arrays)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner), st.tuples(inner, inner), st.dictionaries(st.text(), inner)),
    max_leaves=8,
)


@given(values)
def test_a_document_comes_back_as_it_was(value):
    assert same(value, back(value))


@given(npst.arrays(npst.scalar_dtypes(), ()))
def test_a_numpy_scalar_comes_back_with_its_value(zero_dimensional):
    scalar = zero_dimensional[()]
    returned = np.asarray(back(scalar)).astype(scalar.dtype)
    assert returned.tobytes() == np.asarray(scalar).tobytes() or (scalar != scalar and returned != returned)


def test_an_integer_beyond_double_precision_keeps_every_digit():
    assert back(2**60 + 1) == 2**60 + 1
    assert back(np.int64(2**62 + 1)) == 2**62 + 1


def test_an_array_of_objects_comes_back_item_by_item():
    items = np.empty(3, dtype=object)
    items[:] = ["upstroke", [1, 2], None]
    returned = back(items)
    assert returned.dtype == object
    assert returned.tolist() == ["upstroke", [1, 2], None]


def test_a_line_can_be_read_by_any_program_that_knows_json_and_npy():
    line = Encoder().line("event", {"spectrum": np.arange(3.0)})
    assert set(json.loads(line)[1]["spectrum"]) == {TAG, "kind"}


def test_a_value_that_would_not_come_back_is_refused():
    with pytest.raises(JournalError, match="event document cannot be written: no way to write a object"):
        back(object())


def test_a_key_that_marks_arrays_is_refused_but_not_such_a_string():
    with pytest.raises(JournalError, match="Rename that key"):
        back({TAG: "mine", "spectrum": np.arange(2)})
    assert back([TAG, f'"{TAG}":']) == [TAG, f'"{TAG}":']


@pytest.mark.parametrize(
    "line",
    [
        *(b"\n", b"{}\n", b'["event"]\n', b'["event", 3]\n', b'["event",{"a":\n', b"\0\0\n", b"\xff\n"),
        *(b'["event",{},""]\n', b'["event",{},12345678]\n', b'["event",{},"123456789"]\n', b'["event",{},"",""]\n'),
    ],
)
def test_what_is_not_a_document_is_a_value_error(line):
    with pytest.raises(ValueError):  # noqa: PT011 - the caller names file and line
        decode(line)

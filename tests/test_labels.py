import numpy as np
import pytest

from recipes.arguments.labels import Names, by_value, canonical_text, encode_labels, label_name


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("100", "100"), ("100.0", "100"), ("100.", "100"), ("-3.000", "-3"), ("0.0", "0"), ("00501", "00501"),
        ("00501.0", "00501.0"), ("1.50", "1.50"), ("1e3", "1e3"), ("TRUE", "True"), ("false", "False"), ("T", "T"),
        ("v1.0", "v1.0"), ("10000000000000001", "10000000000000001"),
    ],
)  # fmt: skip
def test_whole_numbers_and_truth_values_have_one_text(text, canonical):
    assert canonical_text(text) == canonical


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (3.0, "3"), (np.float32(0.1), "0.1"), (np.float64(1e16), "10000000000000000"), (2**70, str(2**70)),
        (np.bool_(True), "True"), (b"a", "a"), (np.str_("1.0"), "1"), (np.uint64(2**64 - 1), str(2**64 - 1)),
        (float("inf"), "inf"),
    ],
)  # fmt: skip
def test_a_label_is_called_the_same_in_every_container(value, name):
    assert label_name(value) == name


@pytest.mark.parametrize(
    ("names", "text", "is_number", "place"),
    [
        (("a", "b"), "b", False, 1),
        (("a", "b"), "c", False, None),
        (("100", "2"), "100.0", False, 0),
        (("100.0", "2"), "100", False, 0),  # a vocabulary of old
        (("TRUE", "FALSE"), "False", True, 1),
        (("00501", "00502"), "501", True, 0),
        (("00501", "00502"), "501", False, None),
        (("00501", "00502"), "501.0", False, 0),
        (("02134", "2134"), "2134", True, 1),
        (("02134", "002134"), "2134", True, None),  # either could be meant
        (("501", "2134"), "00501", False, 0),
        (("0", "1"), "True", True, 1),
        (("0", "1", "2"), "TRUE", False, 1),
        (("False", "True"), "0", True, 0),
        (("no", "yes"), "True", True, None),
        (("", "1", "2"), "01", False, 1),  # missing values are a category of their own
        (("0.50",), "0.5", True, 0),
        (("10000000000000001", "10000000000000002"), "10000000000000002", True, 1),
    ],
)
def test_a_name_is_found_by_its_text_or_else_by_its_value(names, text, is_number, place):
    assert Names(names).find(text, is_number) == place


@pytest.mark.parametrize(
    ("y", "names"),
    [
        (np.array([10000000000000002, 10000000000000001]), ("10000000000000001", "10000000000000002")),
        (np.array([2**64 - 1, 2**64 - 2], np.uint64), (str(2**64 - 2), str(2**64 - 1))),
        (np.array([10.0, 9.0]), ("9", "10")),
        (np.array(["TRUE", "false", "True", "FALSE"]), ("False", "True")),
        (np.array(["1.0", "1", "2"]), ("1", "2")),
        (np.array([True, False]), ("False", "True")),
    ],
)
def test_classes_are_the_distinct_labels(y, names):
    numbers, found = encode_labels(y)
    assert found == names
    assert [found[number] for number in numbers] == [label_name(label) for label in y]


def test_truth_values_are_found_among_classes_0_and_1():
    for y in (np.array([True, False]), np.array([1.0, 0.0]), np.array(["TRUE", "FALSE"])):
        assert encode_labels(y, ("0", "1"))[0].tolist() == [1, 0]
        assert encode_labels(y, ("False", "True"))[0].tolist() == [1, 0]
    with pytest.raises(ValueError, match="unknown classes 'True' in the labels. Known: no, yes"):
        encode_labels(np.array([True]), ("no", "yes"))


def test_classes_that_are_whole_numbers_are_in_the_order_of_their_values():
    assert by_value(["10", "0010", "9", "-1"]) == ("-1", "9", "10", "0010")

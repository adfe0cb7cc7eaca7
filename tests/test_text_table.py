import pytest

from recipes.arguments.text_table import table_lines


def test_text_goes_to_the_left_and_numbers_to_the_right():
    rows = [("", "rows", "kind"), ("train", "1,437", "images"), ("", "", ""), ("test", "360", "")]
    assert table_lines(rows, left=(0, 2)) == ["        rows  kind", "train  1,437  images", "", "test     360"]
    assert table_lines(rows[1:2]) == ["train  1,437  images"]
    assert table_lines([]) == []


def test_columns_can_be_given_a_least_width():
    rows = [("fold", "rows", "accuracy"), ("0", "150", "0.9667")]
    assert table_lines(rows, least_widths=(6, 6)) == ["fold      rows  accuracy", "0          150    0.9667"]
    assert table_lines(rows, least_widths=(2,)) == ["fold  rows  accuracy", "0      150    0.9667"]


def test_rows_must_have_as_many_cells():
    with pytest.raises(ValueError, match="zip"):
        table_lines([("a", "b"), ("c",)])

import csv

import pytest

from recipes.data.tables.csv_layout import layout


def understood(text, **kwargs):
    found = layout(text, whole=True, **kwargs)
    return found.names, found.skip


@pytest.mark.parametrize(
    ("text", "names", "skip"),
    [
        ("\na,b\n1,2\n", ("a", "b"), 2),
        ("\r\n \r\n\r\na,b\r\n1,2\r\n", ("a", "b"), 4),
        ("a,b\r1,2\r3,4\r", ("a", "b"), 1),
        ('"net\nweight",b\n1,2\n', ("net weight", "b"), 2),
        (" a , b\n1,2\n", ("a", "b"), 1),
        ("# made by hand\n# on: Monday, 5, o'clock\na,b\n1,2\n", ("a", "b"), 3),
        ("# a,b\n1.0,2.0\n", ("a", "b"), 1),
        ("#a\tb\nchr1\t5\nchr2\t6\n", ("a", "b"), 1),
        ("#one,5\n#two,6\n#three,7\n", ("column_0", "column_1"), 0),
        ("sep=;\r\na;b\r\n1,5;2\r\n", ("a", "b"), 2),
        ("a\n1\n2\n", ("a",), 1),
        ("full name\nAda Lovelace\nEmmy Noether\n", ("full name",), 1),
        (",a,b\n0,1,2\n", ("", "a", "b"), 1),
        ("a,,b\n0,1,2\n", ("a", "", "b"), 1),
        ('"a" "b"\n"1" 1 2\n"2" 3 4\n', ("", "a", "b"), 1),
        ("15.2\t14.8\t\t1\n14.8\t14.5\t1\n", ("column_0", "column_1", "column_2"), 0),
        ("18.0   8   307.0\t\"chevrolet malibu\"\n15.0   8   350.0\t\"buick\"\n",
         ("column_0", "column_1", "column_2", "column_3"), 0),
        ("1,5;2,3\n2,5;3,5\n", ("column_0", "column_1"), 0),
    ],
)  # fmt: skip
def test_names_and_the_lines_in_front_of_the_rows_are_detected(text, names, skip):
    assert understood(text) == (names, skip)


@pytest.mark.parametrize(
    "text", ["a,b,\n1,2,\n3,4,\n", "a,b\n1,2,\n3,4,\n", "a,b,\n1,2\n3,4\n", "a,b,,,\n1,2,,,\n,,,,\n"]
)
def test_a_comma_at_the_end_of_lines_makes_no_column(text):
    assert understood(text) == (("a", "b"), 1)


@pytest.mark.parametrize(
    ("text", "has_names"),
    [
        ("5.1,3.5,1.4,Iris-setosa\n4.9,3.0,1.4,Iris-setosa\n", False),
        ("?,5.1,setosa\n4,3.0,setosa\n", False),
        ("2024-01-01,x\n2024-01-02,y\n", False),
        ("28,x\n30,y\n", False),
        ("p,x,s\ne,x,s\np,b,w\n", False),  # mushrooms: texts that recur below
        ("class,cap,color\np,x,s\ne,x,s\np,b,w\n", True),
        ("name,age\nAda,36\n", True),
        ("0,1,2,target\n5,6,7,x\n5,6,8,y\n", True),
        (",0,1\n0,5.5,x\n1,6.6,y\n", True),
        ("country,2019,2020,2021\nIT,1,2,3\nDE,4,5,6\n", True),
        ("name,2019,weight\nAda,1,60\nEmmy,2,70\nLise,1,65\n", True),
        ("name,2019\nAda,1\nEmmy,2\nLise,1\n", False),  # it may be wrong, and is told
        ("size,2019,weight\n5,1,60\n6,2,70\n", True),
        ("size,2019\n5,yes\n6,no\n", True),
        ("size,kind\n5,?\n?,x\n", True),
        ("?,x\n5,y\n6,z\n", True),
        ("B,1,2,3\nR,1,2,4\nB,1,2,5\n", False),
    ],
)
def test_a_first_line_of_values_is_a_row(text, has_names):
    found = layout(text, whole=True)
    assert (found.names[-1] != f"column_{len(found.names) - 1}") == has_names
    assert found.notes or has_names  # a row in place of names is told
    assert layout(text, whole=True, header=True).skip == 1
    assert layout(text, whole=True, header=False).skip == 0
    assert not layout(text, whole=True, header=False).notes


def test_names_that_are_looked_for_decide():
    assert understood("country,2019\nIT,1\n", expected=["2019"]) == (("country", "2019"), 1)
    assert understood("country,2019\nIT,1\n", expected=["column_1"]) == (("column_0", "column_1"), 0)
    assert understood("x,y\nz,w\n", expected=["column_1"]) == (("column_0", "column_1"), 0)
    assert understood("size,age\n4,5\n", expected=["column_1"]) == (("size", "age"), 1)
    assert understood("# one,two\nx,y\nz,w\n", expected=["two"]) == (("one", "two"), 1)


@pytest.mark.parametrize(
    ("text", "escapes"),
    [
        ('a,b\n"say \\"hi, you\\" now",2\n', True),
        ('a,b\n"say ""hi, you"" now",2\n', False),
        ('a,b\n"C:\\dir\\",2\n', False),
    ],
)
def test_escaped_quotation_marks_are_seen(text, escapes):
    assert layout(text, whole=True).escapes == escapes
    assert understood(text) == (("a", "b"), 1)


def test_the_limit_of_pythons_own_reader_stays():
    layout(f"a,b\n{'x' * 200_000},1\n", whole=True)
    assert csv.field_size_limit() == 131_072


def test_nothing_but_blank_lines_is_no_table():
    assert layout("\n \n", whole=True) is None

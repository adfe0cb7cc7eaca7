import bz2
import gzip

import pytest

from recipes.data.tables import csv_file


def content(path, **kwargs):
    table = csv_file.open_csv(path, **kwargs)
    return table.columns, [row for batch in table.batches() for row in batch.to_pylist()]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (b"a,b\n1,x\n", "comma.csv"),
        (b"a;b\n1;x\n", "semicolon.csv"),
        (b"a\tb\r\n1\tx\r\n", "tab.tsv"),
        (b"a|b\n1|x\n\n", "pipe.csv"),
        (b"\xef\xbb\xbfa,b\n1,x\n", "marked.csv"),
        ("a,b\n1,x\n".encode("utf-16"), "wide.csv"),
        (gzip.compress(b"a,b\n1,x\n", mtime=0), "small.csv.gz"),
    ],
)
def test_delimiter_encoding_and_compression_are_found_out(tmp_path, written, name):
    (tmp_path / name).write_bytes(written)
    assert content(tmp_path / name) == (("a", "b"), [{"a": "1", "b": "x"}])


@pytest.mark.parametrize("length", [200_000, 9_000_000])
def test_a_field_may_be_of_any_length(tmp_path, length):
    (tmp_path / "t.csv").write_text("a,b\n" + "1,2\n" * 3 + "x" * length + ",3\ny,4\n")
    _, rows = content(tmp_path / "t.csv")
    assert [len(row["a"]) for row in rows] == [1, 1, 1, length, 1]
    assert [row["b"] for row in rows] == ["2", "2", "2", "3", "4"]


def test_rows_come_once_and_in_order_where_the_block_has_to_grow(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_file, "_BLOCK_BYTES", 64)
    lines = [f"{number},{'x' * (500 if number % 70 == 69 else 1)}" for number in range(300)]
    (tmp_path / "t.csv").write_text("a,b\n" + "\n".join(lines))
    assert [int(row["a"]) for row in content(tmp_path / "t.csv")[1]] == list(range(300))


def test_a_line_that_never_ends_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_file, "_BLOCK_BYTES", 64)
    monkeypatch.setattr(csv_file, "_MOST_BLOCK_BYTES", 512)
    (tmp_path / "t.csv").write_text('a,b\n1,"2\n' + "3,4\n" * 1000)
    with pytest.raises(ValueError, match="has a line of more than .* is a quotation mark never closed"):
        content(tmp_path / "t.csv")


def test_the_first_line_may_be_long(tmp_path):
    names = [f"measurement_{number:06}" for number in range(20_000)]
    (tmp_path / "t.csv").write_text(f"{','.join(names)}\n{','.join(['1'] * len(names))}\n")
    assert csv_file.open_csv(tmp_path / "t.csv").columns == tuple(names)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_compression_is_seen_in_the_file_not_in_its_name(tmp_path, name):
    for written in (gzip.compress(b"a,b\n1,x\n"), bz2.compress(b"a,b\n1,x\n"), b"a,b\n1,x\n"):
        (tmp_path / name).write_bytes(written)
        assert content(tmp_path / name) == (("a", "b"), [{"a": "1", "b": "x"}])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_fields_may_stand_between_spaces(tmp_path, encoding):
    (tmp_path / "t.txt").write_bytes(' a  b\tc\r\n1   x "d  é"\r\n 2 y z \r\n'.encode(encoding))
    rows = [{"a": "1", "b": "x", "c": "d  é"}, {"a": "2", "b": "y", "c": "z"}]
    assert content(tmp_path / "t.txt", encoding="latin-1" if encoding == "latin-1" else None) == (("a", "b", "c"), rows)


def test_quoted_fields_may_hold_anything(tmp_path):
    (tmp_path / "t.csv").write_text('a,b\n"x\ny","1,5"\n"say ""so""",2\n')
    rows = [{"a": "x\ny", "b": "1,5"}, {"a": 'say "so"', "b": "2"}]
    assert content(tmp_path / "t.csv") == (("a", "b"), rows)


def test_without_names_columns_are_numbered(tmp_path):
    (tmp_path / "t.csv").write_text("1,2.5\n3,4\n")
    assert content(tmp_path / "t.csv") == (("column_0", "column_1"), [{"column_0": "1", "column_1": "2.5"},
                                                                      {"column_0": "3", "column_1": "4"}])  # fmt: skip


def test_columns_without_a_name_are_called_as_by_pandas(tmp_path):
    (tmp_path / "t.csv").write_text(",a,,b\n1,2,3,4\n")
    assert csv_file.open_csv(tmp_path / "t.csv").columns == ("Unnamed: 0", "a", "Unnamed: 2", "b")


def test_an_encoding_can_be_said(tmp_path):
    (tmp_path / "t.csv").write_bytes("a,b\n1,é\n".encode("latin-1"))
    assert content(tmp_path / "t.csv", encoding="latin-1")[1] == [{"a": "1", "b": "é"}]
    with pytest.raises(ValueError, match="there is no encoding 'latin-x'"):
        csv_file.open_csv(tmp_path / "t.csv", "latin-x")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (b"", "t.csv is empty"),
        (b"\n\n", "t.csv is empty"),
        (b"a,b\n", "t.csv has no rows"),
        (b"a,b\n1,2\n3;4\n", "has 1 field in line 3 and 2 in the first, separated by ',': is the line incomplete"),
        (b"a,b\n1,2\n" * 1 + b"1,2,3\n", "has 3 fields in line 3 and 2 in the first, .*: are there two delimiters"),
        (b"a,b,\n" + b"1,2,\n" * 1500 + b"1,2,x\n", "has the value 'x' at row 1500 behind the last column that has"),
        (b'a,b\n1,"2\n3,4\n5,6\n', "has a quotation mark that is never closed: the last row holds '2"),
        (b"#\na,b\n1,2\n3\n", "has 1 field in line 4 and 2 in the first"),
        (b"a b\n" + b"1 2\n" * 200 + b"3\n", "has 1 field in line 202 and 2 in the first, separated by spaces"),
        (b"a, a\n1,2\n", "has two columns called 'a'"),
        (b"a,a\n1,2\n", "has two columns called 'a'"),
        (b"a,b\n1,\xe9\n", r"t.csv is not encoded in UTF-8 \(line 2\): save it as UTF-8, or say what it is"),
        (b"a,b\n" + b"1,2\n" * 200_000 + b"1,\xe9\n", "t.csv is not encoded in UTF-8: save it"),
        ("a,b\n1,2\n".encode("utf-16-le"), r"no text; if it is in UTF-16, say so \(data.encoding: utf-16-le\)"),
        (b"a,b\n1,\0\n", "is no CSV file: it holds bytes that are no text"),
        (b"PK\x03\x04\x00\x00rest", "is no CSV file, but a ZIP archive or an Excel workbook: unpack it, or save"),
    ],
)
def test_unusable_files_are_reported_in_one_line(tmp_path, written, message):
    (tmp_path / "t.csv").write_bytes(written)
    with pytest.raises(ValueError, match=message) as error:
        content(tmp_path / "t.csv")
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no file .*none.csv"):
        csv_file.open_csv(tmp_path / "none.csv")


@pytest.mark.parametrize("kept", [40, 200_000])
def test_a_damaged_archive_is_called_so(tmp_path, kept):
    import random

    text = "a,b\n" + "".join(f"{random.Random(n).random()},1\n" for n in range(60_000))
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(text.encode())[:kept])
    with pytest.raises(ValueError, match=r"t.csv.gz is damaged"):
        content(tmp_path / "t.csv.gz")

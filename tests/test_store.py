import tempfile

import numpy as np
import pytest

from recipes.data import store
from recipes.data.store import RowStore, chunks_of, is_on_disk, take


def filled(pieces):
    rows = RowStore()
    for piece in pieces:
        rows.append(piece)
    return rows.finish()


@pytest.mark.parametrize("most", [10**9, 1000])
def test_rows_are_the_same_in_memory_and_on_disk(monkeypatch, most):
    monkeypatch.setattr(store, "MOST_IN_MEMORY", most)
    x = np.arange(3000, dtype=np.float32).reshape(300, 5, 2)
    rows = filled([x[:70], x[70:71], x[71:]])
    np.testing.assert_array_equal(rows, x)
    assert is_on_disk(rows) == is_on_disk(rows[3:9]) == (most == 1000)
    chosen = np.random.default_rng(0).permutation(300)[:200]
    taken = take(rows, chosen)
    np.testing.assert_array_equal(taken, x[chosen])
    assert is_on_disk(taken) == (most == 1000)


def test_nothing_is_left_in_the_temporary_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(store, "MOST_IN_MEMORY", 1)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    rows = filled([np.ones((9, 9))])
    assert is_on_disk(rows)
    assert list(tmp_path.iterdir()) == []


def test_rows_that_are_abandoned_leave_no_open_file(monkeypatch):
    monkeypatch.setattr(store, "MOST_IN_MEMORY", 1)
    rows = RowStore()
    rows.append(np.ones((9, 9)))
    file = rows._file
    del rows
    assert file.closed


def test_chunks_cover_all_rows(monkeypatch):
    monkeypatch.setattr(store, "CHUNK_BYTES", 100)
    x = np.arange(70, dtype=np.float64).reshape(35, 2)
    pieces = list(chunks_of(x))
    assert {len(piece) for piece in pieces} == {6, 5}
    np.testing.assert_array_equal(np.concatenate(pieces), x)


def test_a_full_disk_says_what_to_do(monkeypatch):
    monkeypatch.setattr(store, "MOST_IN_MEMORY", 1)
    rows = RowStore()

    class Full:
        def write(self, _):
            raise OSError(28, "No space left on device")

        def close(self):  # which writes what is left
            self.write(b"")

    monkeypatch.setattr(store.tempfile, "TemporaryFile", lambda **_: Full())
    with pytest.raises(OSError, match="No space left on device; set the environment variable TMPDIR"):
        rows.append(np.ones((9, 9)))

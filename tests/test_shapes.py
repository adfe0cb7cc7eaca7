import pyarrow
import pytest

from recipes.data.tables import shapes
from recipes.data.tables.formats import Format
from recipes.data.tables.shapes import Shapes, verdict


def look(texts, plain=0, **settings):
    seen = Shapes(plain=plain)
    for text in texts:  # block by block
        seen.update(pyarrow.array([text, None]))
    return verdict(seen, 0.9, **settings)


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (["28,7", "30", "1,25"], Format(decimal=",")),
        (["0,123", "0,456"], Format(decimal=",")),
        (["1,5e-05"], Format(decimal=",")),
        (["1,234,567", "12,345"], Format(thousands=",")),
        (["1,200.50", "3"], Format(thousands=",")),
        (["1.200,5", "3,1"], Format(decimal=",", thousands=".")),
        (["1 200", "1 234 567"], Format(thousands=" ")),
        (["1'200", "999"], Format(thousands="'")),
        (["80%", "7.5%"], Format(unit="%")),
        (["7,5 %", "80 %"], Format(decimal=",", unit="%")),
        (["$1,200", "-$950"], Format(thousands=",", unit="$")),
        (["USD 1,300"], Format(thousands=",", unit="USD")),
        (["1.200,50 €"], Format(decimal=",", thousands=".", unit="€")),
        (["12 kg", "3.5 kg"], Format(unit="kg")),
        (["25°C"], Format(unit="°C")),
        (["31/12/2024", "01/02/2024"], Format(dates="day_first")),
        (["12/31/2024 10:30"], Format(dates="month_first")),
        (["05.06.2024"], Format(dates="day_first")),
        (["2024/01/01"], Format(dates="iso")),
        (["2024-01-01T00:00:00.123456789"], Format(dates="iso")),
        (["2024-01-01 10:00:00 UTC"], Format(dates="iso")),
        (["2024-01", "2024-02"], Format(dates="iso")),
        (["3 Dec 2024", "31 January 2024"], Format(dates="named")),
        (["Dec 3, 2024", "May 31, 2024"], Format(dates="named")),
        (["12:30", "9:05:10"], Format(clock=True)),
        (["0 days 12:00:00"], Format(clock=True)),
        (["8%"] * 9 + ["n.k."], Format(unit="%")),
    ],
)
def test_shapes_prove_a_format(texts, form):
    found = look(texts)
    assert (found.form, found.hint) == (form, "")
    assert found.example in texts


@pytest.mark.parametrize(
    ("texts", "settings", "form"),
    [
        (["12,345"], {"thousands": ","}, Format(thousands=",")),
        (["12,345"], {"decimal": ","}, Format(decimal=",")),
        (["1.500"], {"thousands": "."}, Format(decimal=",", thousands=".")),
        (["555 123"], {"thousands": " "}, Format(thousands=" ")),
        (["05/06/2024"], {"dates": "month_first"}, Format(dates="month_first")),
        (["31.12.24"], {"dates": "day_first"}, Format(dates="day_first")),
        # What shapes prove, settings do not change.
        (["28,7"], {"thousands": ","}, Format(decimal=",")),
        (["31/12/2024"], {"dates": "month_first"}, Format(dates="day_first")),
        (["1.5", "2.25"], {"thousands": "."}, None),
    ],
)
def test_settings_decide_what_shapes_leave_open(texts, settings, form):
    assert look(texts, **settings).form == form


@pytest.mark.parametrize(
    ("texts", "hint"),
    [
        (["12,345", "1,200"], "numbers with a comma such as '12,345': data.thousands: ',' (or data.decimal: ',')"),
        (["1,459 €"], "numbers with a comma such as '1,459 €'"),
        (["555 123"], "numbers such as '555 123': data.thousands: ' '"),
        (["05/06/2024"], "dates such as '05/06/2024': data.dates: day_first (or month_first)"),
        (["31.12.24"], "dates such as '31.12.24': data.dates"),
        (["31/12/2024", "12/31/2024"], "dates, some with the day and some with the month first: write them alike"),
        (["12 kg", "500 g"], "numbers of different units ('12 kg', '500 g'): write them in one unit"),
        (["10", "20%"], "numbers of different units"),
    ],
)
def test_what_shapes_leave_open_is_said_with_the_fix(texts, hint):
    found = look(texts)
    assert found.form is None
    assert found.hint.startswith(hint)


@pytest.mark.parametrize(
    "texts",
    [
        ["red", "blue"],
        ["shop 3", "shop 7"],
        ["0001x", "0002x"],
        ["A12", "A13"],
        ["1st", "2nd"],
        ["10-12", "25-34"],
        ["Decade 3", "May"],
        ["2023/24", "2024/25"],
        ["192.168.0.1"],
        ["12,34,567"],
        ["1,2,3"],
        ["12 kg", "13 kg", "n.k."],
        ["1.5", "2", "old"],
    ],
)
def test_other_texts_are_no_numbers(texts):
    found = look(texts)
    assert (found.form, found.hint) == (None, "")


def test_numbers_of_blocks_without_text_count():
    assert look(["28,7"], plain=50).form == Format(decimal=",")
    assert look(["x"], plain=50).form is None


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(shapes, "MOST_SHAPES", 3)
    seen = Shapes()
    seen.update(pyarrow.array(["a", "b", "c", "d"]))
    assert seen == Shapes(settled=True)
    monkeypatch.setattr(shapes, "ENOUGH_ROWS", 3)
    seen = Shapes()
    seen.update(pyarrow.array(["a", "a", "b", "1"]))
    assert seen.settled
    seen.update(pyarrow.array(["1"] * 100))
    assert not seen.counts

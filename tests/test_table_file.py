import numpy as np
import pytest

import recipes
from recipes.data.tables import table_file
from recipes.evaluation.rows import rows_for
from recipes.models.outputs import Outputs
from recipes.settings import Data

pandas = pytest.importorskip("pandas")


@pytest.fixture(scope="module")
def frame():
    generator = np.random.default_rng(0)
    return pandas.DataFrame(
        {
            " width ": generator.normal(5, 2, 90),
            "color": pandas.Categorical(generator.choice(["red", "green"], 90)),
            "sold": pandas.Timestamp("2024-01-01") + pandas.to_timedelta(generator.integers(0, 9, 90), unit="D"),
            "good": generator.choice(["yes", "no"], 90),
        }
    )


def write(frame, path):
    kinds = {".parquet": frame.to_parquet, ".feather": frame.to_feather}
    if path.suffix in kinds:
        kinds[path.suffix](path)
    else:
        delimiters = {".tsv": "\t", ".txt": "|", ".data": ";"}
        frame.to_csv(path, index=False, sep=delimiters.get(path.suffix, ","))
    return path


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.txt", "t.data", "t.dat.gz", "t.PQ", "t.parquet", "t.feather"])
def test_a_file_of_any_kind_has_the_contents_of_the_frame(frame, tmp_path, name):
    path = write(frame, tmp_path / name.replace("PQ", "parquet"))
    path = path.rename(tmp_path / name)
    assert table_file.is_table(path)
    from_file, from_memory = (recipes.load_dataset(data, target="good") for data in (path, frame))
    assert from_file.feature_names == from_memory.feature_names == ("width", "color", "sold")
    assert from_file.name == "t"
    for part in ("train", "test"):
        np.testing.assert_array_equal(from_file.prepared(part)[0], from_memory.prepared(part)[0])
        np.testing.assert_array_equal(getattr(from_file, part)[1], getattr(from_memory, part)[1])


def test_an_index_that_pandas_wrote_is_no_column(frame, tmp_path):
    shuffled = frame.sample(frac=1, random_state=0)
    shuffled.to_parquet(tmp_path / "t.parquet")
    table = table_file.open_table(tmp_path / "t.parquet", Data())
    assert table.columns == ("width", "color", "sold", "good")


def test_parquet_is_read_block_by_block(frame, tmp_path):
    frame.to_parquet(tmp_path / "t.parquet", row_group_size=25)
    table = table_file.open_table(tmp_path / "t.parquet", Data())
    assert sum(len(batch) for batch in table.batches()) == 90
    assert len(list(table.batches())) > 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("t.xlsx", "t.xlsx: .xlsx files are not read; save the sheet as CSV"),
        ("t.json", "t.json: .json files are not read; read it by pandas.read_json"),
        ("t.pkl", "it can run code when it is loaded"),
        ("t.npy", r"save the arrays by numpy.savez"),
        ("t.parquet", "t.parquet is damaged, or no parquet file"),
        ("t.feather", "t.feather is damaged, or no feather file"),
        ("t.xyz", r"unknown dataset .* the path of a file with a table \(.csv, .tsv, .txt, .data, .parquet"),
    ],
)
def test_what_is_not_read_says_what_to_do(tmp_path, name, message):
    (tmp_path / name).write_text("no table")
    with pytest.raises(ValueError, match=message) as error:
        recipes.load_dataset(tmp_path / name, target="good")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.assign(x=[[1, 2]] * 90), "column 'x' of .*t.parquet must hold numbers, texts or dates"),
        (lambda frame: frame[:0], "t.parquet has no rows"),
    ],
)
def test_unusable_parquet_files_are_refused(frame, tmp_path, change, message):
    change(frame).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(ValueError, match=message):
        recipes.load_dataset(tmp_path / "t.parquet", target="good")


def test_a_file_that_is_not_there_is_named(tmp_path):
    for name in ("none.parquet", "none.txt"):
        with pytest.raises(FileNotFoundError, match=rf"there is no file .*{name}"):
            recipes.load_dataset(tmp_path / name, target="good")


def test_names_are_matched_without_spaces_around_them(frame):
    dataset = recipes.load_dataset(frame, settings=Data(target=" good ", ignore=["sold "]))
    assert dataset.feature_names == ("width", "color")
    with pytest.raises(ValueError, match="the frame has two columns called 'color': names must differ"):
        recipes.load_dataset(frame.rename(columns={" width ": "color "}), target="good")


def test_whether_the_first_line_holds_names_can_be_said(tmp_path):
    (tmp_path / "t.csv").write_text("".join(f"{row % 7},{'ab'[row % 2]}\n" for row in range(60)))
    dataset = recipes.load_dataset(tmp_path / "t.csv", target="column_1")
    assert sum(len(part[1]) for part in (dataset.train, dataset.validation, dataset.test)) == 60
    dataset = recipes.load_dataset(tmp_path / "t.csv", settings=Data(target="a", header=True))
    assert sum(len(part[1]) for part in (dataset.train, dataset.validation, dataset.test)) == 59
    dataset = recipes.load_dataset(tmp_path / "t.csv", settings=Data(target="column_1", header=False))
    assert dataset.feature_names == ("column_0",)
    with pytest.raises(ValueError, match="'class'. Known: column_0, column_1; t.csv: the first .* data.header: true"):
        recipes.load_dataset(tmp_path / "t.csv", target="class")


@pytest.fixture(scope="module")
def model(run):
    return recipes.load_model(run.directory)


@pytest.mark.parametrize("written", ["\n{}", "# note\n{}", "sep=,\n{}", "{}\n\n", "\ufeff{}", "\r\n \r\n{}", "{}  \n"])
def test_rows_to_predict_are_as_many_as_in_the_file(model, tmp_path, written):
    x = recipes.load_dataset("breast_cancer").test[0][:5]
    frame = pandas.DataFrame(x, columns=[f" {name}" for name in recipes.load_dataset("breast_cancer").feature_names])
    (tmp_path / "t.csv").write_bytes(written.format(frame.to_csv(index=False)).encode())
    for data in (frame, tmp_path / "t.csv"):
        rows, _ = rows_for(Outputs.of(model), data, Data(), with_target=False)
        np.testing.assert_allclose(rows, x, rtol=1e-6)

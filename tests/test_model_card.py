"""MODEL_CARD.md: read back by the library of the Hugging Face Hub, and as Markdown."""

import html
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import runs_by_hand
from huggingface_hub import ModelCard
from markdown_it import MarkdownIt

import recipes
from recipes.arguments.names import printable
from recipes.report.markdown import fenced, text
from recipes.report.model_card import model_card, write_model_card
from recipes.runs.stored import Stored
from recipes.runs.writing import write_json

DIGITS = Path(__file__).parent.parent / "saved_models" / "digits"
MARKDOWN = MarkdownIt("commonmark").enable("table")


def cells(card: str) -> list[list[str]]:
    """Cells of all tables of the card as a reader sees them."""
    rows = re.findall(r"<tr>(.*?)</tr>", MARKDOWN.render(ModelCard(card).text), re.DOTALL)
    return [[html.unescape(cell) for cell in re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row, re.DOTALL)] for row in rows]


def hub_values(card: ModelCard) -> dict[str, float]:
    return {result.metric_name: result.metric_value for result in card.data.eval_results}


def test_the_hub_reads_the_card_of_a_classification():
    card, report = ModelCard(model_card(Stored(DIGITS))), Stored(DIGITS).report
    assert (card.data.library_name, card.data.pipeline_tag) == ("keras", "image-classification")
    assert (card.data.model_name, card.data.tags) == ("digits", ["keras-recipes", "mlp"])
    assert (card.data.license, card.data.datasets, card.data.language) == (None, None, None)
    first = card.data.eval_results[0]
    assert (first.task_type, first.dataset_name, first.dataset_split) == ("image-classification", "digits", "test")
    values = hub_values(card)
    assert values["accuracy"] == report.accuracy
    assert values["macro F1"] == report.macro["f1"]
    assert set(card.data.metrics) == {result.metric_type for result in card.data.eval_results}
    assert ModelCard(str(card)).data.to_dict() == card.data.to_dict()
    rows = cells(str(card))
    assert ["accuracy", "0.9889", "0.9717 to 0.9957", "0.1031"] in rows
    assert ["3", "1.0000", "0.9730", "0.9863", "0.9257 to 0.9976", "37"] in rows


@pytest.fixture(scope="module")
def regression(save_run, short_recipe, tmp_path_factory):
    """The run folder of a regression whose network was not trained, with a report on other predictions."""
    folder = save_run(tmp_path_factory.mktemp("runs") / "sugar", short_recipe, "diabetes")
    write_json(folder / "report.json", recipes.regression_report(np.arange(9.0), np.arange(9.0) ** 1.1).to_dict())
    return folder


def test_the_hub_reads_the_card_of_a_regression(regression):
    text, report = model_card(Stored(regression)), Stored(regression).report
    card = ModelCard(text)
    assert card.data.pipeline_tag == "tabular-regression"
    assert hub_values(card) == {"MAE": report.mae, "MSE": report.mse, "R²": report.r2}
    rows = Stored(regression).fingerprint.rows
    assert f"diabetes: {rows['train']} training rows, {rows['validation']} validation rows" in card.text.replace(
        "\n", " "
    )
    assert f"R² is **{report.r2:.4f}**" in text
    assert ["R²", f"{report.r2:.4f}"] == next(row for row in cells(text) if row[0] == "R²")[:2]


def test_what_a_run_folder_lacks_is_left_out_and_nothing_stands_in_for_it(regression, tmp_path):
    for names in ((), ("recipe.yaml", "versions.json"), ("versions.json", "report.json")):
        folder = tmp_path / f"of-{len(names)}-{'-'.join(names)}"
        folder.mkdir()
        for name in ("model.keras", *names):
            shutil.copy(DIGITS / name, folder)
        card = ModelCard(model_card(Stored(folder)))
        assert card.data.library_name == "keras"
        assert bool(card.data.eval_results) is ("report.json" in names)
        assert ("## Evaluation" in card.text) is ("report.json" in names)
        assert ("## Training\n" in card.text) is ("recipe.yaml" in names)
        assert not re.search("None|nan|undefined|More Information|TODO|\\bunknown\\b", card.text)
        assert "\n\n\n" not in card.text
    damaged = tmp_path / "damaged"
    shutil.copytree(regression, damaged)
    for name in ("report.json", "history.csv", "recipe.yaml"):
        (damaged / name).write_text("[")
    (damaged / "model.keras").write_text("PK")
    card = ModelCard(model_card(Stored(damaged)))
    assert (card.data.pipeline_tag, card.data.eval_results) == (None, None)


def test_names_are_shown_as_text_whatever_is_in_them(tmp_path):
    names = (*runs_by_hand.HOSTILE, "a|b`c` *d* [e](http://f)", "\n---\nx: 1\n")
    folder = runs_by_hand.table(tmp_path / 'it\'s <b>"bold"|`no` #', names)
    facts = json.loads((folder / "versions.json").read_text())
    write_json(folder / "versions.json", {**facts, "packages": {"keras\n# x": "1`2", "keras-recipes": "1\n```\n# y"}})
    recipe = Stored(folder).recipe.replace(data={"name": "/home/me/<i>|```\n.csv", "target": "---\n```\n# y"})
    (folder / "recipe.yaml").write_text(recipe.to_yaml())
    content = model_card(Stored(folder))
    card = ModelCard(content)
    assert (card.data.model_name, card.data.eval_results[0].dataset_name) == (folder.name, "<i>|```\\n.csv")
    assert all(character.isprintable() or character == "\n" for character in content)
    assert "/home/me" not in content
    rendered = MARKDOWN.render(card.text)
    assert not re.search("<(script|i|b|a|em|img)[ >]", rendered)
    assert html.unescape(re.search("<h1>(.*)</h1>", rendered)[1]) == folder.name
    assert rendered.count("<h1>") == 1
    shown = [row[0] for row in cells(content) if len(row) == 6]
    assert shown == ["class", *("' '" if name == " " else printable(name, 200) for name in names)]


def test_the_card_tells_of_the_analysis(tmp_path):
    folder = runs_by_hand.table(tmp_path / "run", ("no", "yes"))
    content = model_card(Stored(folder))
    accuracy = Stored(folder).report.accuracy
    assert ["linear model", f"{accuracy - 0.05:.4f}", "+0.0500", "0.0200 to 0.0800", "0.04 (McNemar)"] in cells(content)
    for sentence in (
        "Trained on 700 training rows and scored on the same test rows",
        "On average the probabilities are off by 0.0610",
        "The groups of test rows with the worst accuracy: no = no: 0.5000 (0.4000 to 0.9000, 20 rows);",
        "By confident learning, 1 of 80 test labels may be wrong.",
        "Equal rows in two parts: train and test 1.",
    ):
        assert sentence in content
    assert ModelCard(content).data.pipeline_tag == "tabular-classification"
    report = json.loads((folder / "report.json").read_text())
    short = {"column": "a", "value": "b", "rows": 10**400, "score": 0.5, "interval": [0.1]}
    for damage in ({"baselines": 3}, {"groups": [short]}, {"calibration": {"before": []}}, {"label_errors": []}):
        write_json(folder / "report.json", {**report, "analysis": report["analysis"] | damage})
        shown = model_card(Stored(folder))
        assert ("## Limitations" in shown) is ("label_errors" in damage)  # an empty one says nothing
        assert "## Evaluation" in shown


def test_code_is_fenced_whatever_is_in_it():
    for code in ("a", "```\n# title", "a ````` b"):
        token, *others = MARKDOWN.parse(fenced(code, "yaml"))
        assert (token.content, others) == (f"{code}\n", [])
    assert text("snake_case | 3 < 4 & 5") == "snake\\_case &#124; 3 &lt; 4 &amp; 5"


def test_the_card_of_many_classes_shows_those_with_the_lowest_scores(tmp_path):
    shutil.copy(DIGITS / "model.keras", tmp_path)
    label = np.repeat(np.arange(300), 2)
    predicted = np.where(label == 250, 0, label)
    write_json(tmp_path / "report.json", recipes.classification_report(label, predicted).to_dict())
    content = model_card(Stored(tmp_path))
    assert "The 50 of 300 classes with the lowest F1" in content
    assert [row[0] for row in cells(content) if len(row) == 6][1] == "250"
    assert len(content) < 20_000


def test_the_card_is_written_into_the_run_folder(tmp_path):
    shutil.copytree(DIGITS, tmp_path / "run")
    write_model_card(Stored(tmp_path / "run"))
    assert ModelCard.load(tmp_path / "run" / "MODEL_CARD.md").data.model_name == "run"
    assert json.loads((tmp_path / "run" / "versions.json").read_text())["seed"] == 0

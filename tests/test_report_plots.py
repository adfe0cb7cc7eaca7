from functools import cache

import numpy as np
import pytest
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.container import BarContainer
from matplotlib.figure import Figure

import recipes
from recipes import plots
from recipes.metrics import ClassificationCounts, ClassificationReport
from recipes.metrics.classes.ranking import rank_bins
from recipes.metrics.regression.sums import RegressionSums
from recipes.plots.curves import precision_recall_points, roc_points
from recipes.plots.residuals import extremes

OF_SCORES = [plots.roc_curves, plots.precision_recall_curves, plots.reliability]
OF_CLASSES = [*OF_SCORES, plots.class_scores, plots.confusion_matrix]


@cache
def judged(name):
    """True classes and probabilities of the test rows of a dataset, by the distances to the means of the classes."""
    dataset = recipes.load_dataset(name)
    (x, y), (rows, truth) = dataset.prepared("train"), dataset.prepared("test")
    x, rows = x.reshape(len(x), -1), rows.reshape(len(rows), -1)
    means = np.stack([x[y == number].mean(axis=0) for number in range(len(dataset.class_names))])
    odds = -((rows[:, None] - means) ** 2).mean(axis=2)
    odds = np.exp(odds - odds.max(axis=1, keepdims=True))
    return truth, odds / odds.sum(axis=1, keepdims=True)


@cache
def made_up(num_classes, rows=1000):
    """A report on classes that are found more and less well."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, num_classes, rows)
    odds = rng.normal(size=(rows, num_classes))
    odds[np.arange(rows), truth] += np.linspace(1, 6, num_classes)[truth]
    scores = np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)
    return recipes.classification_report(truth, scores)


@cache
def of_labels():
    """A report on several labels a row, one of which never occurs."""
    rng = np.random.default_rng(0)
    truth = (rng.random((300, 4)) < [0.5, 0.2, 0.1, 0]).astype(int)
    scores = 1 / (1 + np.exp(-rng.normal(2 * truth - 1, 1)))
    return recipes.classification_report(truth, scores, class_names=["beach", "sunset", "fall", "none"])


def drawn(draw, *arguments, **options):
    """The axes of a picture, rendered, so that every label is made and nothing warns."""
    figure = Figure(figsize=(6, 5), layout="constrained")
    ax = figure.subplots()
    assert draw(*arguments, ax=ax, **options) is ax
    figure.canvas.draw()
    return ax


def names_on(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def legend_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def area(x, y):
    return np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2)


@pytest.mark.parametrize("draw", OF_CLASSES, ids=lambda draw: draw.__name__)
def test_a_picture_of_a_report_is_drawn_on_the_axes_given_for_any_number_of_classes(draw):
    for num_classes in (2, 3, 10, 100):
        ax = drawn(draw, made_up(num_classes))
        assert ax.get_title()
        assert ax.get_xlabel()
        assert ax.get_ylabel()
        assert max(len(names_on(ax.xaxis)), len(names_on(ax.yaxis))) <= 40


@pytest.mark.parametrize("draw", [*OF_SCORES, plots.class_scores], ids=lambda draw: draw.__name__)
def test_reports_on_several_labels_a_row_are_drawn(draw):
    ax = drawn(draw, of_labels())
    if draw in (plots.roc_curves, plots.precision_recall_curves):
        assert ax.get_title().endswith("curves of 3 of 4 classes")
        assert [text.split("  ")[1] for text in legend_of(ax)] == ["mean of 3 labels", "beach", "sunset", "fall"]
    with pytest.raises(ValueError, match="`report` must be a ClassificationReport. Received: MultiLabelReport"):
        plots.confusion_matrix(of_labels())


@pytest.mark.parametrize("draw", OF_SCORES, ids=lambda draw: draw.__name__)
def test_pictures_of_probabilities_refuse_reports_of_labels(draw):
    of_labels_alone = recipes.classification_report([0, 1, 1], [0, 1, 0])
    for refused in (draw, lambda report: plots.class_scores(report, score="roc_auc")):
        with pytest.raises(ValueError, match="`report` must be made of probabilities.*a report of predicted labels al"):
            refused(of_labels_alone)
    with pytest.raises(ValueError, match="a ClassificationReport or a MultiLabelReport. Received: str"):
        draw("saved_models/digits")
    assert plots.report_figure(of_labels_alone).axes[0].get_title() == "recall by class"


@pytest.mark.parametrize("name", ["breast-cancer", "digits"])
def test_the_areas_under_the_curves_are_those_of_the_report(name):
    report = recipes.classification_report(*judged(name))
    scores = report.probabilities
    for number in range(len(report.class_names)):
        hits, others = scores.positives[number], scores.negatives[number]
        x, y = roc_points(hits, others)
        assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
        assert np.all(np.diff(x) >= 0)
        assert np.all(np.diff(y) >= 0)
        # Rows in one bin are in any order.
        bound = (hits * others).sum() / hits.sum() / others.sum() / 2
        assert abs(area(x, y) - scores.ranking.roc_auc[number]) <= bound + 1e-9
        assert bound < 0.02
        x, y = precision_recall_points(hits, others)
        assert (x[0], x[-1]) == (0, 1)
        binned = rank_bins(hits[None], others[None])
        assert area(x, y) == pytest.approx(binned.average_precision[0])
        assert abs(area(x, y) - scores.ranking.average_precision[number]) <= binned.average_precision_bound[0]
        assert len(x) < 200


def test_two_classes_have_one_curve_with_its_interval():
    report = made_up(2)
    low, high = report.class_intervals["1"]["roc_auc"]
    share = report.classes["1"]["support"] / report.rows
    for draw, height in ((plots.roc_curves, [0, 1]), (plots.precision_recall_curves, [share, share])):
        ax = drawn(draw, report)
        assert len(ax.lines) == 2
        np.testing.assert_allclose(ax.lines[0].get_ydata(), height)  # what guessing would get
        assert ax.get_aspect() == 1
    auc = report.classes["1"]["roc_auc"]
    assert legend_of(drawn(plots.roc_curves, report)) == [f"{auc:.3f} ({low:.3f} to {high:.3f})  class 1"]


@pytest.mark.parametrize("draw", [plots.roc_curves, plots.precision_recall_curves], ids=lambda draw: draw.__name__)
def test_of_many_classes_the_best_and_the_worst_are_named_beside_the_mean(draw):
    for num_classes in (10, 100):
        report = made_up(num_classes)
        name = "roc_auc" if draw is plots.roc_curves else "average_precision"
        ax = drawn(draw, report)
        areas = getattr(report.probabilities.ranking, name)
        order = np.argsort(areas)
        assert [text.split("  ")[1] for text in legend_of(ax)] == [
            f"mean of {num_classes} classes", *(f"class {number}" for number in order[[-1, 2, 1, 0]]),
        ]  # fmt: skip
        (thin,) = (part for part in ax.collections if isinstance(part, LineCollection))
        assert len(thin.get_segments()) == num_classes - 4
        mean = ax.lines[1].get_data()
        assert area(*mean) == pytest.approx(areas.mean(), abs=0.01)


@pytest.mark.parametrize("draw", [plots.roc_curves, plots.precision_recall_curves], ids=lambda draw: draw.__name__)
def test_a_legend_covers_no_curve(draw):
    hopeless = np.random.default_rng(0).dirichlet(np.ones(5), 200)
    reports = [recipes.classification_report(np.arange(200) % 5, hopeless)]
    reports += [made_up(num_classes) for num_classes in (2, 10, 100)]
    for report in reports:
        ax = drawn(draw, report)
        legend = ax.get_legend().get_window_extent().transformed(ax.transData.inverted())
        levels = np.linspace(0, 1, 1001)
        curves = [line.get_data() for line in ax.lines[1:]]
        curves += [np.transpose(line) for part in ax.collections for line in part.get_segments()]
        for corners in curves:
            points = zip(levels, np.interp(levels, *corners), strict=True)
            assert not any(legend.contains(x, y) for x, y in points)


def test_a_class_without_rows_has_no_curve_a_grey_row_and_a_reason():
    truth, scores = judged("digits")
    kept = truth != 3
    report = recipes.classification_report(truth[kept], scores[kept])
    assert drawn(plots.roc_curves, report).get_title() == "ROC curves of 9 of 10 classes"
    ax = drawn(plots.confusion_matrix, report)
    assert ax.get_ylabel() == "true class (grey: no rows)"
    assert ax.images[0].get_array().mask.any(axis=1).tolist() == [number == 3 for number in range(10)]
    ax = drawn(plots.class_scores, report)
    assert [(text.get_text(), text.get_position()[1]) for text in ax.texts] == [("no rows", 3)]
    single = recipes.classification_report(np.ones(5, int), np.linspace(0, 1, 5))
    for draw in OF_SCORES[:1]:
        assert drawn(draw, single).texts[0].get_text().startswith("no class has rows")


@pytest.mark.parametrize("bins", ["width", "mass"])
def test_reliability_is_the_calibration_of_the_report(bins):
    report = recipes.classification_report(*judged("digits"))
    ax = drawn(plots.reliability, report, bins=bins)
    scores = report.probabilities
    curve = scores.calibration if bins == "width" else scores.equal_mass_calibration
    filled = curve.weight > 0
    said, came = ax.lines[-1].get_data()
    np.testing.assert_allclose((said, came), (curve.confidence[filled], curve.outcome[filled]))
    ends = np.array([segment[:, 1] for segment in ax.collections[0].get_segments()])
    assert np.all((ends[:, 0] <= came) & (came <= ends[:, 1]))
    bars = [bar for container in ax.containers if isinstance(container, BarContainer) for bar in container]
    np.testing.assert_allclose([bar.get_height() for bar in bars], curve.weight if bins == "width" else [])
    assert ax.get_title().startswith(f"reliability: expected error {curve.expected_error:.3f}")


@pytest.mark.parametrize("score", ["precision", "recall", "f1", "accuracy", "specificity", "roc_auc"])
def test_scores_of_classes_are_those_of_the_report_with_their_intervals(score):
    report = recipes.classification_report(*judged("digits"))
    ax = drawn(plots.class_scores, report, score=score)
    values = [scores[score] for scores in report.classes.values()]
    assert ax.lines[0].get_xdata().tolist() == values
    ends = [tuple(segment[:, 0]) for segment in ax.collections[0].get_segments()]
    np.testing.assert_allclose(ends, [ends[score] for ends in report.class_intervals.values()])
    supports = [scores["support"] for scores in report.classes.values()]
    assert names_on(ax.yaxis) == [f"{number}  ({support})" for number, support in enumerate(supports)]
    by_score = drawn(plots.class_scores, report, score=score, order="score")
    assert by_score.lines[0].get_xdata().tolist() == sorted(values)


def test_of_a_hundred_classes_the_lowest_and_the_highest_are_named_and_the_others_counted():
    report = made_up(100, rows=5000)
    figure = plots.report_figure(report)
    figure.canvas.draw()
    ax = figure.axes[-1] if figure.axes[-1].get_title() == "recall by class" else figure.axes[1]
    names, recalls = names_on(ax.yaxis), sorted(scores["recall"] for scores in report.classes.values())
    assert len(names) == 36
    assert names[-1] == "65 classes between" or "65 classes between" in names
    assert ax.lines[0].get_xdata().tolist() == recalls[:25] + recalls[-10:]
    np.testing.assert_allclose(ax.collections[1].get_segments()[0][:, 0], [recalls[25], recalls[-11]])
    in_order = drawn(plots.class_scores, report, order="class")
    assert len(in_order.lines[0].get_xdata()) == 100
    assert 20 <= len(names_on(in_order.yaxis)) <= 40


def test_a_confusion_matrix_has_numbers_where_they_fit_and_otherwise_a_colour_bar():
    for num_classes, numbers in ((2, True), (10, True), (100, False)):
        report = made_up(num_classes)
        ax = drawn(plots.confusion_matrix, report)
        assert len(ax.texts) == ((report.confusion_matrix > 0).sum() if numbers else 0)
        assert len(ax.figure.axes) == (1 if numbers else 2)
    assert 20 <= len(ax.get_xticks()) <= 40


@pytest.mark.parametrize(("normalize", "axis"), [("true", 1), ("predicted", 0), ("all", (0, 1))])
def test_a_normalized_confusion_matrix_has_shares(normalize, axis):
    report = made_up(5)
    ax = drawn(plots.confusion_matrix, report, normalize=normalize)
    shares = ax.images[0].get_array()
    np.testing.assert_allclose(shares.sum(axis=axis), 1)
    written = {text.get_position(): float(text.get_text()) for text in ax.texts}
    for (predicted, true), percent in written.items():
        assert percent == pytest.approx(100 * shares[true, predicted], abs=0.5)


def test_long_class_names_are_cut_and_stay_apart_and_dollars_are_no_formulas():
    names = ["African hunting dog, hyena dog", "African hunting dog, hyena dgo", "_$a to $b", "two\nlines", "x" * 80]
    names += ["x" * 81]
    truth = np.arange(60) % 6
    report = recipes.classification_report(truth, np.eye(6)[truth] * 0.9 + 0.1 / 6, class_names=names)
    for draw, labels in ((plots.confusion_matrix, 6), (plots.class_scores, 6), (plots.roc_curves, 7)):
        ax = drawn(draw, report)
        shown = legend_of(ax) if draw is plots.roc_curves else names_on(ax.yaxis)
        assert len(set(shown)) == labels
        assert max(map(len, shown)) <= 32
        assert any("_$a to $b" in text for text in shown)
        assert any("two lines" in text for text in shown)


def test_the_places_of_the_worst_rows_are_those_among_all_errors():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=400)
    errors = rng.standard_t(3, size=400)
    report = recipes.metrics.regression_report(truth, truth - errors)
    shares, worst = extremes(report)
    ranks = np.round(shares * 400 - 0.5).astype(int)
    np.testing.assert_allclose(np.sort(errors)[ranks], worst)
    ax = drawn(plots.residuals, report)
    quantiles, outer = ax.lines[3], ax.lines[4]
    np.testing.assert_allclose(quantiles.get_ydata(), np.quantile(errors, (0.05, 0.25, 0.5, 0.75, 0.95)))
    np.testing.assert_allclose(outer.get_ydata(), worst)
    assert [text.get_text() for text in ax.texts] == [f"row {row['row']}" for row in worst_of_each_side(report)]


def worst_of_each_side(report):
    firsts = {row["error"] > 0: row for row in reversed(report.worst)}
    return sorted(firsts.values(), key=report.worst.index)


def test_normal_errors_lie_on_the_line():
    errors = np.random.default_rng(0).normal(0.5, 2, size=20_000)
    ax = drawn(plots.residuals, recipes.metrics.regression_report(errors, np.zeros(20_000)))
    line, quantiles = ax.lines[2], ax.lines[3]
    expected = np.interp(quantiles.get_xdata(), *line.get_data())
    np.testing.assert_allclose(quantiles.get_ydata(), expected, atol=0.1)


def test_few_rows_and_perfect_predictions_of_a_regression_are_drawn():
    for truth, predicted in (([1.0], [2.0]), ([1.0, 2.0], [1.0, 2.0]), ([0.0, 1.0, 2.0], [5.0, -5.0, 2.0])):
        report = recipes.metrics.regression_report(truth, predicted)
        assert "rows" in drawn(plots.residuals, report).get_title()
    sums = RegressionSums(worst=0)
    sums.update([1.0, 2.0], [1.5, 2.0])
    assert len(drawn(plots.residuals, sums.result()).lines) == 4


def test_predicted_values_are_dots_and_of_many_rows_counts():
    x = np.random.default_rng(0).normal(size=5000)
    ax = drawn(plots.predicted_values, x[:100], 0.9 * x[:100])
    assert len(ax.lines[0].get_xdata()) == 100
    assert ax.get_xlim() == ax.get_ylim()
    ax = drawn(plots.predicted_values, x, 0.9 * x)
    (mesh,) = (part for part in ax.collections if isinstance(part, QuadMesh))
    assert mesh.get_array().sum() == 5000
    assert drawn(plots.predicted_values, [2.0], [2.0]).get_xlim() == (0, 4)


def test_the_images_with_the_greatest_losses_are_shown_with_what_was_said_of_them():
    truth, scores = judged("digits")
    report = recipes.classification_report(truth, scores)
    x, _ = recipes.load_dataset("digits").test
    ax = drawn(plots.greatest_losses, report, x)
    losses = -np.log(scores[np.arange(len(truth)), truth])
    worst = np.argsort(-losses, kind="stable")[:20]
    assert len(ax.images) == 20
    for image, row in zip(ax.images, worst, strict=True):
        np.testing.assert_allclose(image.get_array(), x[row, ..., 0] / 16)
    given, said = ax.texts[0], ax.texts[1]
    first = worst[0]
    assert given.get_text() == f"{truth[first]} ({scores[first, truth[first]]:.2g})"
    assert said.get_text() == f"→ {scores[first].argmax()}"


@pytest.mark.parametrize("shape", [(5, 8, 6), (5, 8, 6, 1), (5, 8, 6, 3), (5, 3, 8, 6)])
@pytest.mark.parametrize("highest", [1, 255])
def test_images_of_any_kind_are_shown(shape, highest):
    x = np.random.default_rng(0).integers(0, highest + 1, shape).astype("uint8" if highest == 255 else "float32")
    x.flat[:] = np.where(np.arange(x.size) % 7 == 0, highest, x.flat[:])
    report = recipes.classification_report([0, 1, 1, 0, 1], np.array([0.1, 0.3, 0.9, 0.8, 1.0]))
    ax = drawn(plots.greatest_losses, report, x, most=2)
    expected = np.moveaxis(x[3], 0, -1) if shape[1] == 3 else np.squeeze(x[3])
    np.testing.assert_allclose(ax.images[0].get_array(), expected / highest)
    assert len(ax.images) == 2


def test_axes_are_made_where_none_are_given_as_large_as_the_report_needs():
    import matplotlib.pyplot as plt

    sizes = {}
    for num_classes in (2, 30):
        report = made_up(num_classes)
        sizes[num_classes] = [
            draw(report).figure.get_figheight() for draw in (plots.confusion_matrix, plots.class_scores)
        ]
        assert all(draw(report).get_title() for draw in OF_SCORES)
    assert np.all(np.less(sizes[2], sizes[30]))
    x, report = np.zeros((3, 8, 8)), recipes.classification_report([0, 1, 1], np.array([0.1, 0.3, 0.9]))
    assert len(plots.greatest_losses(report, x).images) == 3
    assert plots.predicted_values([1.0, 2.0], [1.0, 3.0]).get_xlabel() == "target"
    plt.close("all")


REPORT = recipes.classification_report([0, 1, 1], np.array([0.1, 0.3, 0.9]))
WITHOUT_LOSSES = ClassificationCounts(2, greatest_losses=0)
WITHOUT_LOSSES.update([0, 1], np.array([0.1, 0.9]))


@pytest.mark.parametrize(
    ("draw", "arguments", "options", "message"),
    [
        (plots.confusion_matrix, (REPORT,), {"normalize": "pred"}, "`normalize` must be 'true', .* normalize='pred'"),
        (plots.reliability, (REPORT,), {"bins": 10}, "`bins` must be 'width' or 'mass'. Received: bins=10"),
        (plots.class_scores, (REPORT,), {"score": "auc"}, "`score` must be one of precision, .* score='auc'"),
        (plots.class_scores, (REPORT,), {"order": "size"}, "`order` must be 'class', 'score' or None. .* order='size'"),
        (plots.residuals, (REPORT,), {}, "`report` must be a RegressionReport. Received: ClassificationReport"),
        (plots.report_figure, ("x",), {}, "MultiLabelReport or a RegressionReport. Received: str"),
        (plots.predicted_values, ([1.0], [1.0, 2.0]), {}, "as many rows, at least one. Received: 1 and 2"),
        (plots.predicted_values, ([1.0], [np.nan]), {}, "must be finite. Received: NaN"),
        (plots.greatest_losses, (REPORT, np.zeros((3, 64))), {}, r"`x` must hold images .* Received: \(3, 64\)"),
        (plots.greatest_losses, (REPORT, np.zeros((3, 8, 8, 5))), {}, r"`x` must hold images .*\(3, 8, 8, 5\)"),
        (plots.greatest_losses, (REPORT, np.zeros((9, 8, 8))), {}, "must be the 3 rows that .* Received: 9 rows"),
        (plots.greatest_losses, (REPORT, np.zeros((3, 8, 8))), {"most": 0}, "`most` must be a whole number .*: 0"),
        (plots.greatest_losses, (WITHOUT_LOSSES.result(), np.zeros((2, 8, 8))), {}, "a report that keeps none"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_sentence(draw, arguments, options, message):
    with pytest.raises(ValueError, match=message):
        draw(*arguments, **options)


@pytest.mark.extensive  # tests/test_pictures.py has it without a training
@pytest.mark.parametrize(
    ("data", "pictures"),
    [
        ("digits", {"report.png", "confusion_matrix.png", "greatest_losses.png"}),
        ("diabetes", {"report.png", "predictions.png"}),
    ],
)
def test_a_run_folder_has_the_pictures_of_its_report(data, pictures, short_recipe, tmp_path):
    run = recipes.train(short_recipe, data, output=tmp_path, fast_dev_run=True, verbose=False)
    found = {path.name for path in run.directory.glob("*.png")}
    assert found == pictures | {"learning_curves.png", "record.png"}
    assert isinstance(run.report, ClassificationReport) == (data == "digits")

import dataclasses

import numpy as np
import pytest
from matplotlib.collections import PolyCollection, QuadMesh
from matplotlib.figure import Figure

from callbacks.watching.record import Record
from recipes import plots
from recipes.plots.axes import short_names

RECORD_PICTURES = [
    plots.gradient_norms, plots.gradient_flow, plots.update_ratio, plots.activation_histograms, plots.activation_scale,
    plots.dead_and_saturated,
]  # fmt: skip


def record_of(layers=3, epochs=2, decay=0.1, traced=0):
    """A training, with epoch 0, in which gradients shrink towards the input and outputs towards the last layer."""
    rng = np.random.default_rng(0)
    shape = (epochs + 1, layers)
    scale = decay ** np.arange(layers) * np.linspace(1, 2, epochs + 1)[:, None]
    before = np.full((1, layers), np.nan)
    norms = np.concatenate([before, scale[1:, ::-1]]).astype(np.float32)
    return Record(
        layers=tuple(f"dense_{place}" for place in range(1, layers + 1)),
        epochs=np.arange(epochs + 1),
        gradient_norm_mean=norms,
        update_ratio=np.concatenate([before, np.full((epochs, layers), 1e-3)]),
        nonfinite_steps=np.array([np.nan, *[0] * epochs]),
        activation_mean=scale / 10,
        activation_std=scale,
        activation_dead=rng.uniform(0, 0.5, shape),
        activation_saturated=rng.uniform(0, 0.5, shape),
        activation_histogram=rng.dirichlet(np.ones(20), shape),
        activation_range=np.stack([-scale, scale], axis=-1),
        trace_step=np.arange(1, traced + 1) * 10 if traced else None,
        trace_gradient_norm=np.repeat(norms[1:2], traced, axis=0) if traced else None,
        trace_total_gradient_norm=np.ones(traced) if traced else None,
    )


def drawn(draw, *arguments, **options):
    """The axes of a picture, rendered, so that every label is made and nothing warns."""
    figure = Figure(figsize=(6, 5), layout="constrained")
    ax = figure.subplots()
    assert draw(*arguments, ax=ax, **options) is ax
    figure.canvas.draw()
    return ax


def cells(ax):
    """The values behind a heat map `(layers, columns)`."""
    (mesh,) = (part for part in ax.collections if isinstance(part, QuadMesh))
    return mesh.get_array()


def names_on(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


HISTORY = {"loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 2.0, 2.5], "accuracy": [0.1, 0.2, 0.3]}


@pytest.mark.parametrize(
    ("history", "options", "expected"),
    [
        (HISTORY, {}, ["training", "validation", "kept: epoch 2, 2"]),
        (HISTORY, {"kept": "last"}, ["training", "validation", "kept: epoch 3, 2.5"]),
        (HISTORY, {"kept": 1}, ["training", "validation", "kept: epoch 1, 3"]),
        (HISTORY, {"kept": None}, ["training", "validation"]),
        (HISTORY, {"metric": "accuracy"}, ["training", "kept: epoch 2, 0.2"]),
        ({"loss": [3.0, 2.0]}, {}, ["training"]),
        ({"loss": [3.0, 2.0]}, {"kept": "last"}, ["training", "kept: epoch 2, 2"]),
        ({"loss": [3.0, 2.0], "val_loss": [np.nan, 1.0]}, {}, ["training", "validation", "kept: epoch 2, 1"]),
        ({"loss": [np.nan], "val_loss": [np.nan]}, {}, ["training", "validation"]),
    ],
)
def test_learning_curves_mark_the_epoch_that_is_kept(history, options, expected):
    assert [line.get_label() for line in drawn(plots.learning_curves, history, **options).lines] == expected


def test_a_single_epoch_is_seen():
    ax = drawn(plots.learning_curves, {"loss": [1.0], "val_loss": [2.0]})
    assert all(line.get_marker() == "o" for line in ax.lines)
    assert names_on(ax.xaxis) == ["1"]


@pytest.mark.parametrize(
    ("history", "options", "message"),
    [
        (HISTORY, {"metric": "f1"}, "`metric` must be one of loss, val_loss, accuracy. Received: metric='f1'"),
        (HISTORY, {"kept": 4}, "`kept` must be 'best', 'last', an epoch from 1 to 3, or None. Received: kept=4"),
        ({"loss": [1.0, 1.0], "val_loss": [1.0]}, {}, "one number for each epoch. Received: 2 of loss, 1 of val_loss"),
    ],
)
def test_histories_that_cannot_be_drawn_are_refused(history, options, message):
    with pytest.raises(ValueError, match=message):
        plots.learning_curves(history, **options)


def test_axes_are_made_where_none_are_given():
    import matplotlib.pyplot as plt

    assert plots.learning_curves({"loss": [1.0, 0.5]}).get_xlabel() == "epoch"
    few, many = (plots.gradient_flow(record_of(layers)).figure.get_figheight() for layers in (3, 100))
    assert few < many < 10
    plt.close("all")


@pytest.mark.parametrize("draw", RECORD_PICTURES, ids=lambda draw: draw.__name__)
def test_a_picture_of_a_record_is_readable_for_any_number_of_layers(draw):
    for layers, epochs in ((1, 1), (3, 2), (100, 3)):
        ax = drawn(draw, record_of(layers, epochs, decay=0.8))
        assert ax.get_title()
        assert ax.get_xlabel()
        assert ax.get_ylabel()
        if draw is plots.update_ratio and layers <= 8:
            names = [text.get_text() for text in ax.get_legend().get_texts() if "usual" not in text.get_text()]
        else:
            names = names_on(ax.yaxis)
            # From top to bottom, as in a summary.
            assert ax.get_ylim() == (layers - 0.5, -0.5)
        assert (names[0], names[-1]) == ("dense_1", f"dense_{layers}")
        assert len(names) == layers or 10 <= len(names) <= 40


@pytest.mark.parametrize("draw", RECORD_PICTURES, ids=lambda draw: draw.__name__)
def test_what_was_not_measured_is_refused_with_the_callback_that_measures_it(draw):
    bare = Record(layers=("dense",), epochs=np.arange(1))
    callback = "ActivationStatistics" if "activation" in draw.__module__ else "GradientNormLogger"
    with pytest.raises(ValueError, match=f"the callback {callback} measures. Received: a record without `"):
        draw(bare)
    with pytest.raises(ValueError, match="`record` must be a callbacks.Record. Received: str"):
        draw("saved_models/digits")


def test_a_field_without_a_finite_number_was_not_measured():
    record = dataclasses.replace(record_of(), update_ratio=np.full((3, 3), np.nan))
    with pytest.raises(ValueError, match="Received: a record in which no value of `update_ratio` is finite"):
        plots.update_ratio(record)


def test_gradient_norms_are_those_of_the_epochs_or_of_the_traced_steps():
    record = record_of(traced=5)
    expected = record.gradient_norm_mean[1:].T
    by_epoch = drawn(plots.gradient_norms, record, by="epoch")
    np.testing.assert_allclose(cells(by_epoch), expected)
    assert (by_epoch.get_xlabel(), names_on(by_epoch.xaxis)) == ("epoch", ["1", "2"])
    by_step = drawn(plots.gradient_norms, record)
    np.testing.assert_allclose(cells(by_step), np.repeat(expected[:, :1], 5, axis=1))
    assert (by_step.get_xlabel(), by_step.get_xlim()) == ("update", (5, 55))
    with pytest.raises(ValueError, match="`by` must be 'step' or 'epoch'. Received: by='batch'"):
        plots.gradient_norms(record, by="batch")


def test_more_traced_steps_than_columns_lose_no_peak():
    record = record_of(traced=1700)
    norms = record.trace_gradient_norm.copy()
    norms[1234, 1] = 1e6
    ax = drawn(plots.gradient_norms, dataclasses.replace(record, trace_gradient_norm=norms))
    assert cells(ax).shape[1] <= 500
    assert cells(ax).max() == 1e6


@pytest.mark.parametrize("layers", [3, 12])
def test_zeros_and_what_is_not_finite_are_told_apart(layers):
    record = record_of(layers, epochs=4, decay=0.5)
    norms, ratios = record.gradient_norm_mean.copy(), record.update_ratio.copy()
    for values in (norms, ratios):
        values[2, 0] = 0
        values[3] = np.nan
        values[4, 1] = np.inf
        values[:, 2] = np.nan
    bad = np.array([np.nan, 0, 1, 10, 0])
    record = dataclasses.replace(record, gradient_norm_mean=norms, update_ratio=ratios, nonfinite_steps=bad)

    ax = drawn(plots.gradient_norms, record)
    shown, (low, high) = cells(ax), (ax.collections[0].norm.vmin, ax.collections[0].norm.vmax)
    assert shown.shape == (layers - 1, 4)  # what has no gradient is left out
    assert np.argwhere(shown < low).tolist() == [[0, 1]]
    assert np.argwhere(shown > high).tolist() == sorted([[row, 2] for row in range(layers - 1)] + [[1, 3]])
    (hatched,) = (part for part in ax.collections if type(part) is PolyCollection)
    assert len(hatched.get_paths()) == layers - 1
    assert {text.get_text() for other in ax.figure.axes[1:] for text in other.texts} == {"zero", "not finite"}
    assert ax.lines[0].get_xdata().tolist() == [2, 3]  # the epochs with steps that were not finite

    ax = drawn(plots.gradient_flow, record)
    assert len(ax.patches) == layers - 1
    assert [text.get_text() for text in ax.get_legend().get_texts()][-1] == "not finite in some epochs"
    if layers == 3:
        labels = {line.get_label(): list(line.get_xdata()) for line in drawn(plots.update_ratio, record).lines}
        assert (labels["zero"], labels["not finite"]) == ([2], [3, 4])
    else:
        assert cells(drawn(plots.update_ratio, record)).shape == (layers - 1, 4)


@pytest.mark.parametrize("draw", [plots.gradient_norms, plots.gradient_flow])
def test_gradients_that_have_all_vanished_are_drawn(draw):
    record = dataclasses.replace(record_of(), gradient_norm_mean=np.zeros((3, 3), np.float32))
    texts = [text.get_text() for ax in drawn(draw, record).figure.axes for text in ax.findobj(match=type(ax.title))]
    assert {"zero", "median of zero"} & set(texts)


def test_gradient_flow_has_a_bar_for_each_median_and_its_quantiles():
    record = record_of(epochs=9)
    ax = drawn(plots.gradient_flow, record)
    ends = [bar.get_x() + bar.get_width() for bar in ax.patches]
    np.testing.assert_allclose(ends, np.median(record.gradient_norm_mean[1:], axis=0))
    wide = np.array([segment[:, 0] for segment in ax.collections[0].get_segments()])
    np.testing.assert_allclose(wide, np.quantile(record.gradient_norm_mean[1:], (0.05, 0.95), axis=0).T)
    assert ax.get_xscale() == "log"


def test_outputs_share_an_axis_on_which_vanishing_ones_shrink_or_have_each_their_own():
    record = record_of(layers=5, decay=0.1)
    common = drawn(plots.activation_histograms, record)
    widths = [np.ptp(line.get_xdata()) for line in common.lines[1::2]]
    np.testing.assert_allclose(widths, 4 * 0.1 ** np.arange(5))
    assert common.get_title() == "outputs of each layer, epoch 2"
    each = drawn(plots.activation_histograms, record, scale="each", epoch=0)
    assert {np.ptp(line.get_xdata()) for line in each.lines[1::2]} == {1.0}
    assert [text.get_text() for text in each.texts][1] == "-0.1 to 0.1"
    assert each.get_title() == "outputs of each layer, before training"
    by_epoch = drawn(plots.activation_histograms, record, layer="dense_2")
    assert names_on(by_epoch.yaxis) == ["0", "1", "2"]


def test_outputs_that_are_constant_or_not_finite_have_a_row():
    record = record_of()
    ranges = record.activation_range.copy()
    ranges[2, 0], ranges[2, 1] = 0.25, np.nan
    record = dataclasses.replace(record, activation_range=ranges)
    ax = drawn(plots.activation_histograms, record)
    assert set(ax.lines[1].get_xdata()) == {0.25}
    assert [text.get_text() for text in ax.texts] == ["no finite values"]
    assert names_on(ax.yaxis) == list(record.layers)


def test_histograms_of_many_layers_keep_their_shares_on_the_common_axis():
    record = record_of(layers=40, decay=0.9)
    shown = cells(drawn(plots.activation_histograms, record))
    own = record.activation_histogram[2, 0]
    # The widest row has 20 bins on nearly the whole axis, so that each share is spread over the columns of its bin.
    spread = shown[0] / shown[0].sum()
    middles = np.linspace(-2.12, 2.12, len(spread))
    np.testing.assert_allclose((spread * middles).sum(), (own * (np.arange(20) - 9.5) / 5).sum(), atol=0.02)
    assert shown.max(axis=1).tolist() == [1.0] * 40


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epoch": 7}, "`epoch` must be one of those measured, 0, 1, 2. Received: epoch=7"),
        ({"layer": "conv"}, "`layer` must be one of those measured, dense_1, dense_2, dense_3. Received: layer='conv'"),
        (
            {"epoch": 1, "layer": "dense_1"},
            "either `epoch` or `layer` can be given. Received: epoch=1, layer=",
        ),
        ({"scale": "log"}, "`scale` must be 'common' or 'each'. Received: scale='log'"),
    ],
)
def test_histograms_that_are_not_there_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        plots.activation_histograms(record_of(), **options)


def test_dead_units_are_bars_to_the_left_and_saturated_outputs_to_the_right():
    record = record_of()
    saturated = record.activation_saturated.copy()
    saturated[:, 0] = np.nan
    record = dataclasses.replace(record, activation_saturated=saturated)
    ax = drawn(plots.dead_and_saturated, record)
    widths = np.array([bar.get_width() for bar in ax.patches])
    np.testing.assert_allclose(widths, [*-record.activation_dead[2], *saturated[2]])
    assert ax.get_xlim() == (-1, 1)
    ax = drawn(plots.dead_and_saturated, dataclasses.replace(record, activation_saturated=None), epoch=1)
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], record.activation_dead[1])
    assert (ax.get_xlim(), ax.get_title()) == ((0, 1), "dead units, epoch 1")


def test_the_scale_of_outputs_is_that_of_the_first_and_the_last_epoch_measured():
    record = record_of(epochs=5)
    deviations = record.activation_std.copy()
    deviations[5] = np.nan
    deviations[4, 1:] = 0, np.inf
    ax = drawn(plots.activation_scale, dataclasses.replace(record, activation_std=deviations))
    labels = [line.get_label() for line in ax.lines]
    assert labels[:2] == ["standard deviation, before training", "standard deviation, epoch 4"]
    assert labels[4:] == ["deviation of zero", "not finite"]
    np.testing.assert_allclose(ax.lines[0].get_xdata(), deviations[0])


def test_the_figure_of_a_record_has_the_pictures_it_allows():
    record = record_of(12, traced=3)
    whole = plots.record_figure(record)
    assert len([ax for ax in whole.axes if ax.get_title()]) == 6
    assert whole.get_figheight() > plots.record_figure(record_of(3)).get_figheight()
    gradients = Record(layers=record.layers, epochs=record.epochs, gradient_norm_mean=record.gradient_norm_mean)
    titles = [ax.get_title() for ax in plots.record_figure(gradients).axes if ax.get_title()]
    assert titles == ["gradient norm of each layer", "gradient flow, layer by layer"]
    with pytest.raises(ValueError, match="the callbacks GradientNormLogger and ActivationStatistics measure"):
        plots.record_figure(Record(layers=record.layers, epochs=record.epochs, steps=np.ones(3)))


def test_long_names_are_shortened_and_stay_apart():
    names = [f"stage_{stage}_block_{block}_first_relu" for stage in (1, 2) for block in (1, 2)]
    names += [f"{'encoder/' * 4}{word}" for word in ("dense", "dance")]
    names += ["résumé" * 8 + end for end in "ab"] + ["relu"]
    shortened = short_names(names)
    assert len(set(shortened)) == len(names)
    assert max(map(len, shortened)) <= 22
    assert (shortened[0], shortened[-1]) == ("sta_1_blo_1_first_relu", "relu")

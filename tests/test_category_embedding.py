import keras
import numpy as np
import pytest

from custom_layers import CategoryEmbedding

pytestmark = pytest.mark.backend
ROWS = np.array([[0.5, 0, 300], [1.5, 2, 1]], dtype=np.float32)


def test_codes_become_their_vectors():
    layer = CategoryEmbedding([3, 301], dimensions=[2, 4])
    rows = np.asarray(keras.ops.convert_to_numpy(layer(ROWS)))
    tables = [keras.ops.convert_to_numpy(table) for table in layer.embeddings]
    np.testing.assert_array_equal(rows, np.c_[ROWS[:, 0], tables[0][[0, 2]], tables[1][[300, 1]]])
    assert layer.compute_output_shape((None, 3)) == (None, 7)


def test_vectors_grow_with_the_number_of_categories():
    layer = CategoryEmbedding([20, 1000, 10**6])
    layer.build((None, 3))
    assert [table.shape[1] for table in layer.embeddings] == [9, 50, 50]
    assert not np.allclose(*(keras.ops.convert_to_numpy(table)[:20, :9] for table in layer.embeddings[1:]))


def test_codes_survive_mixed_precision_and_jit():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        inputs = keras.Input((3,))
        model = keras.Model(inputs, CategoryEmbedding([3, 301], dimensions=[1, 1])(inputs))
    finally:
        keras.config.set_dtype_policy(before)
    model.compile(jit_compile=True)
    # Rounded to bfloat16, 299 would be 300.
    rows = model.predict(np.array([[0, 0, 299], [0, 0, 300]], dtype=np.float32), verbose=0)
    assert rows[0, 2] != rows[1, 2]


def test_it_is_saved_and_trained(tmp_path):
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Dense(1)(CategoryEmbedding([30])(inputs)))
    model.compile(keras.optimizers.Adam(0.03), "mse")
    x = np.c_[np.zeros(300), np.arange(300) % 30].astype(np.float32)
    history = model.fit(x, x[:, 1] % 2, epochs=6, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([],), r"`sizes` must be one number of at least 1 .* Received: \[\]"),
        (([3, 0],), r"Received: \[3, 0\]"),
        (([3], [1, 2]), r"`dimensions` must be one number .* Received: \[1, 2\]"),
    ],
)
def test_wrong_sizes_are_refused_at_construction(arguments, message):
    with pytest.raises(ValueError, match=message):
        CategoryEmbedding(*arguments)


def test_too_few_columns_are_refused():
    with pytest.raises(ValueError, match=r"expected at least 2 columns. Received: shape \(3, 1\)"):
        CategoryEmbedding([3, 4])(np.ones((3, 1)))

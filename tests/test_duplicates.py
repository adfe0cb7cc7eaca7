import numpy as np

import recipes
from recipes.data.duplicates import count_duplicates


def test_rows_count_as_duplicates_only_with_their_target():
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(500, 3)).astype(np.float32), generator.integers(0, 2, 500)
    assert count_duplicates((x, y), (x[:20], y[:20])) == 20
    assert count_duplicates((x, y), (x[:20], 1 - y[:20])) == 0
    assert count_duplicates((x, y), (x[:20] + 1e-3, y[:20])) == 0


def test_columns_in_another_order_are_another_row():
    x = np.array([[1, 2], [3, 4], [0, 0]], dtype=np.float32)
    assert count_duplicates((x, np.zeros(3)), (x[:, ::-1], np.zeros(3))) == 1


def test_images_of_bytes_and_missing_values_are_compared_too():
    images = np.random.default_rng(0).integers(0, 256, (50, 5, 5, 3)).astype(np.uint8)
    assert count_duplicates((images, np.zeros(50)), (images[:7], np.zeros(7))) == 7
    x = np.array([[np.nan, 1], [np.nan, 2]], dtype=np.float32)
    assert count_duplicates((x, np.zeros(2)), (x[:1], np.zeros(1))) == 1


def test_duplicates_on_both_sides_are_reported():
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(60, 3)), np.arange(60) % 2
    dataset = recipes.load_dataset(((x, y), (x[:4], y[:4]), (x[:9] + 1, y[:9])))
    assert "note: 4 rows of the validation part stand in the training part, too" in dataset.describe().splitlines()
    assert "test part stand" not in dataset.describe()

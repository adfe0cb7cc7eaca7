import tracemalloc

import keras
import numpy as np
import pytest

import recipes
from recipes.training import augmentation
from recipes.training.augmentation import (
    ArrayBatches,
    Augmentation,
    AugmentedBatches,
    Motion,
    augment,
    blank,
    transform,
)
from recipes.training.batches import Batches

EVERYTHING = Augmentation(shift=0.1, rotate=15, zoom=0.1, flip="horizontal", mixup=0.2, cutout=0.25)
STILL = {"down": 0, "right": 0, "angle": 0, "enlargement": 1, "vertical": 1, "horizontal": 1}


def random_images(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def moved(images, **motion):
    numbers = {name: np.full(len(images), value, float) for name, value in {**STILL, **motion}.items()}
    return transform(images, Motion(**numbers))


def test_nothing_set_changes_nothing():
    images, labels = random_images(4, 6, 5, 3), np.arange(4)
    same, targets = augment(images, labels, Augmentation(), 0, 0, 0)
    np.testing.assert_array_equal(same, images)
    assert targets is labels


@pytest.mark.parametrize("shape", [(3, 8, 8, 1), (3, 7, 10, 3), (2, 1, 1, 1), (0, 5, 5, 1)])
def test_no_motion_gives_the_same_pixels(shape):
    np.testing.assert_array_equal(moved(random_images(*shape)), random_images(*shape))


def test_a_move_by_whole_pixels_is_exact_and_brings_in_the_background():
    images = np.full((2, 6, 7, 2), 5, np.float32)
    images[:, 1:-1, 1:-1] = random_images(2, 4, 5, 2)
    expected = np.full_like(images, 5)
    expected[:, 2:, :-1] = images[:, :-2, 1:]
    np.testing.assert_array_equal(moved(images, down=2, right=-1), expected)
    np.testing.assert_array_equal(moved(images, down=100), np.full_like(images, 5))


def test_half_a_pixel_is_the_mean_of_two():
    images = random_images(1, 4, 6, 1)
    np.testing.assert_allclose(
        moved(images, right=0.5)[:, :, 1:], (images[:, :, 1:] + images[:, :, :-1]) / 2, atol=1e-6
    )


@pytest.mark.parametrize(("angle", "turns"), [(90, 1), (180, 2), (-90, 3)])
def test_right_angles_are_those_of_numpy(angle, turns):
    images = random_images(3, 9, 9, 2)
    expected = np.rot90(images, turns, axes=(1, 2))
    np.testing.assert_allclose(moved(images, angle=np.radians(angle)), expected, atol=1e-5)


def test_images_are_mirrored_before_they_are_turned_and_turned_before_they_are_moved():
    images = random_images(2, 8, 8, 1)
    np.testing.assert_array_equal(moved(images, horizontal=-1), images[:, :, ::-1])
    np.testing.assert_array_equal(moved(images, vertical=-1), images[:, ::-1])
    turned = np.rot90(images[:, :, ::-1], axes=(1, 2))
    both = moved(images, horizontal=-1, angle=np.pi / 2, down=1)
    np.testing.assert_allclose(both[:, 1:], turned[:, :-1], atol=1e-5)


def test_an_enlargement_to_twice_the_size_shows_the_middle():
    ramp = np.broadcast_to(np.arange(8, dtype=np.float32)[None, :, None, None], (1, 8, 8, 1))
    np.testing.assert_allclose(moved(ramp, enlargement=2)[0, :, 4, 0], 1.75 + np.arange(8) / 2)


def test_many_images_are_moved_like_few(monkeypatch):
    images = random_images(7, 8, 8, 3)
    whole, _ = augment(images, np.zeros(7), EVERYTHING, 0, 0, 0)
    monkeypatch.setattr(augmentation, "_PIXELS", 2 * 64)
    np.testing.assert_array_equal(augment(images, np.zeros(7), EVERYTHING, 0, 0, 0)[0], whole)


def test_motions_stay_within_the_settings_and_reach_them():
    draws = np.random.default_rng(0).random((2000, 6))
    settings = Augmentation(shift=0.1, rotate=30, zoom=0.25, flip="vertical")
    motion = augmentation._motion(draws, settings, (20, 40))
    limits = {"down": (-2, 2), "right": (-4, 4), "angle": (-np.pi / 6, np.pi / 6), "enlargement": (0.8, 1.25)}
    for name, (least, most) in limits.items():
        values = getattr(motion, name)
        assert least <= values.min() < values.max() <= most
        assert np.ptp(values) > 0.98 * (most - least)
    assert set(motion.horizontal) == {1}
    assert 0.45 < np.mean(motion.vertical == -1) < 0.55


def test_a_step_depends_on_seed_epoch_and_step_alone():
    images, labels = random_images(5, 8, 8, 1), np.arange(5)
    places = [(1, 2, 3), (0, 2, 3), (1, 0, 3), (1, 2, 0)]
    forward = [augment(images, labels, EVERYTHING, *place, num_outputs=5) for place in places]
    np.random.default_rng(0).random()
    backward = [augment(images, labels, EVERYTHING, *place, num_outputs=5) for place in places[::-1]][::-1]
    for first, second in zip(forward, backward, strict=True):
        np.testing.assert_array_equal(first[0], second[0])
        np.testing.assert_array_equal(first[1], second[1])
    for other in forward[1:]:
        assert not np.array_equal(other[0], forward[0][0])


def test_settings_do_not_disturb_one_another():
    images, labels = random_images(6, 8, 8, 1), np.arange(6)
    shifted, _ = augment(images, labels, Augmentation(shift=0.2), 0, 0, 0)
    blanked, _ = augment(images, labels, Augmentation(shift=0.2, cutout=0.5), 0, 0, 0)
    kept = blanked != 0
    np.testing.assert_array_equal(blanked[kept], shifted[kept])
    assert 0.5 < kept.mean() < 1


@pytest.mark.parametrize(("share", "side"), [(0.01, 1), (0.25, 3), (0.5, 6)])
def test_cutout_blanks_a_square_of_the_shorter_side(share, side):
    images = np.ones((3, 12, 20, 2), np.float32)
    blanked = blank(images, np.array([[0.5, 0.5], [0, 0], [0.999, 0.999]]), share)
    holes = blanked[..., 0] == 0
    assert [holes[0].any(axis=axis).sum() for axis in (1, 0)] == [side, side]
    assert holes[0].sum() == side**2
    assert holes[1, 0, 0]
    assert holes[2, -1, -1]
    assert (images == 1).all()


def test_mixup_averages_targets_as_it_does_images():
    # Each image holds its class in one-hot code, so that the shares can be read off.
    labels = np.tile(np.arange(4), 16)
    images = np.eye(4, dtype=np.float32)[labels].reshape(-1, 1, 1, 4)
    mixed, targets = augment(images, labels, Augmentation(mixup=1.0), 0, 0, 0, num_outputs=4)
    assert targets.shape == (64, 4)
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(targets, mixed[:, 0, 0])
    assert (targets.max(axis=1) < 0.9).mean() > 0.4


@pytest.mark.parametrize("numbers", [np.arange(8) % 2, np.arange(8) / 7, np.c_[np.arange(8), np.ones(8)]])
def test_mixup_averages_two_classes_and_numbers(numbers):
    images = np.broadcast_to(numbers.reshape(8, 1, 1, -1), (8, 2, 2, numbers.size // 8))
    mixed, targets, weights = augment(images, numbers, Augmentation(mixup=1.0), 0, 0, 0, weights=numbers)
    assert mixed.dtype == targets.dtype == weights.dtype == np.float32
    np.testing.assert_array_equal(targets.reshape(8, -1), mixed[:, 0, 0])
    np.testing.assert_array_equal(weights, targets)


@pytest.mark.parametrize("alpha", [1e-12, 0.01, 1000.0])
@pytest.mark.parametrize("rows", [0, 1, 16])
def test_everything_gives_finite_float32(alpha, rows):
    settings = Augmentation(shift=0.9, rotate=180, zoom=3, flip="both", mixup=alpha, cutout=0.99)
    images = np.full((rows, 8, 5, 3), 255, np.uint8)
    mixed, targets = augment(images, np.zeros(rows, int), settings, 0, 0, 0, num_outputs=3)
    assert mixed.dtype == targets.dtype == np.float32
    assert mixed.shape == images.shape
    assert np.isfinite(mixed).all()
    assert np.isfinite(targets).all()


def test_images_given_are_left_as_they_are():
    images = random_images(8, 8, 8, 1)
    augment(images, np.zeros(8), EVERYTHING, 0, 0, 0)
    np.testing.assert_array_equal(images, random_images(8, 8, 8, 1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shift": 1}, r"augmentation.shift must be at least 0 and less than 1. Received: 1.0"),
        ({"rotate": 181}, r"augmentation.rotate must be from 0 to 180 degrees. Received: 181.0"),
        ({"zoom": -0.1}, r"augmentation.zoom must be at least 0 and finite. Received: -0.1"),
        ({"flip": "left"}, r"augmentation.flip must be one of horizontal, vertical, both or not set.*'left'"),
        ({"mixup": float("nan")}, r"augmentation.mixup must be at least 0 and finite. Received: nan"),
        ({"cutout": "half"}, r"augmentation.cutout must be a number. Received: 'half'"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Augmentation(**settings)


def test_bad_arrays_are_refused():
    with pytest.raises(ValueError, match=r"images must be \(batch, height, width, channels\).*\(2, 8, 8\)"):
        augment(np.ones((2, 8, 8)), np.zeros(2), Augmentation(), 0, 0, 0)
    with pytest.raises(ValueError, match="must be the number of classes. Received: 1, and class 2"):
        augment(np.ones((2, 8, 8, 1)), np.array([0, 2]), Augmentation(mixup=1.0), 0, 0, 0)
    with pytest.raises(ValueError, match="as many. Received: 3, 2"):
        ArrayBatches(np.ones(3), np.ones(2), 1)


@pytest.fixture(scope="module")
def digits():
    return recipes.load_dataset("digits")


def batches_of(content):
    content.on_epoch_begin()
    batches = [content[index] for index in range(content.num_batches)]
    content.on_epoch_end()
    return batches


def assert_same(first, second):
    for one, other in zip(first, second, strict=True):
        for column, same in zip(one, other, strict=True):
            np.testing.assert_array_equal(column, same)


def from_arrays(digits):
    return ArrayBatches(*digits.prepared("train", 200), 64, seed=3)


def from_batches(digits):
    return Batches(digits, "train", 64, seed=3, shuffle=True, weights={number: 1 + number for number in range(10)})


@pytest.mark.parametrize("content", [from_arrays, from_batches])
def test_a_training_that_goes_on_sees_the_batches_of_one_without_interruption(digits, content):
    options = {"seed": 3, "num_outputs": 10}
    whole = AugmentedBatches(content(digits), EVERYTHING, **options)
    epochs = [batches_of(whole) for _ in range(3)]
    later = AugmentedBatches(content(digits), EVERYTHING, epoch=2, **options)
    assert_same(batches_of(later), epochs[2])
    assert not np.array_equal(epochs[0][0][0], epochs[1][0][0])


def test_array_batches_give_each_row_once_with_its_weight():
    labels = np.arange(50) % 3
    content = ArrayBatches(np.arange(50), labels, 8, weights={0: 1.0, 1: 2.0, 2: 0.5})
    orders = []
    for _ in range(2):
        x, y, weights = (np.concatenate(column) for column in zip(*batches_of(content), strict=True))
        np.testing.assert_array_equal(np.sort(x), np.arange(50))
        np.testing.assert_array_equal(y, x % 3)
        np.testing.assert_array_equal(weights, np.array([1, 2, 0.5])[y])
        orders.append(x)
    assert not np.array_equal(*orders)
    (x, _), *_ = batches_of(ArrayBatches(np.arange(50), labels, 8, shuffle=False))
    np.testing.assert_array_equal(x, np.arange(8))


class Recording(AugmentedBatches):
    """Remembers which step of which epoch was made."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.made = []

    def __getitem__(self, index):
        self.made.append((self.epoch, index))
        return super().__getitem__(index)


@pytest.fixture(scope="module")
def network():
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(64, "relu")])
    model.add(keras.layers.Dense(10))
    # Without a state, so that it can begin anew without being compiled again.
    model.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True))
    model.optimizer.learning_rate = 0.2
    return model


@pytest.mark.backend
def test_fit_sees_the_same_batches_on_one_worker_and_on_several(digits, network):
    initial, losses = network.get_weights(), []
    for workers in (1, 3):
        content = Recording(from_arrays(digits), EVERYTHING, num_outputs=10, workers=workers)
        network.set_weights(initial)
        losses.append(network.fit(content, epochs=3, shuffle=False, verbose=0).history["loss"])
        assert set(content.made) == {(epoch, step) for epoch in range(3) for step in range(4)}
        assert content.epoch == content.content.epoch == 3
    np.testing.assert_allclose(*losses, rtol=1e-5)


@pytest.mark.backend
def test_a_network_learns_from_changed_digits(digits, network):
    settings = Augmentation(shift=0.05, rotate=10, zoom=0.1, mixup=0.2, cutout=0.2)
    content = AugmentedBatches(ArrayBatches(*digits.prepared("train"), 64), settings, num_outputs=10)
    network.fit(content, epochs=12, shuffle=False, verbose=0)
    x, y = digits.prepared("validation")
    assert np.mean(network.predict(x, verbose=0).argmax(axis=1) == y) > 0.9


def test_memory_does_not_grow_with_the_steps():
    images, labels = random_images(32, 28, 28, 1), np.arange(32) % 10
    content = AugmentedBatches(ArrayBatches(images, labels, 8), EVERYTHING, num_outputs=10)
    batches_of(content)
    tracemalloc.start()
    try:
        for _ in range(10):
            batches_of(content)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < images.nbytes / 4

import dataclasses
import tracemalloc

import keras
import numpy as np
import pytest
from scipy import special

import recipes
from recipes.training import augmentation
from recipes.training.augmentation import (
    Augmentation,
    Motion,
    augment,
    beta,
    blank,
    partners,
    splitmix64,
    transform,
    uniform,
)
from recipes.training.batches import Batches, RowsInMemory

EVERYTHING = Augmentation(shift=0.1, rotate=15, zoom=0.1, flip="horizontal", mixup=0.2, cutout=0.25)
STILL = {"down": 0, "right": 0, "angle": 0, "enlargement": 1, "vertical": 1, "horizontal": 1}


def random_images(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def moved(images, **motion):
    numbers = {name: np.full(len(images), value, float) for name, value in {**STILL, **motion}.items()}
    return transform(images, Motion(**numbers))


def test_nothing_set_changes_nothing():
    images, labels = random_images(4, 6, 5, 3), np.arange(4)
    same, targets = augment(images, labels, Augmentation(), 0, 0, np.arange(4))
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
    whole, _ = augment(images, np.zeros(7), EVERYTHING, 0, 0, np.arange(7))
    monkeypatch.setattr(augmentation, "_PIXELS", 2 * 64)
    np.testing.assert_array_equal(augment(images, np.zeros(7), EVERYTHING, 0, 0, np.arange(7))[0], whole)


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


def test_the_change_of_a_row_follows_from_seed_epoch_and_row_alone():
    images, labels, rows = random_images(5, 8, 8, 1), np.arange(5), np.array([7, 2, 9, 0, 70_000])
    changes = dataclasses.replace(EVERYTHING, mixup=0)
    expected, _ = augment(images, labels, changes, 1, 2, rows)
    for chosen in ([3, 1], [4], [0, 1, 2, 3, 4]):
        part, _ = augment(images[chosen], labels[chosen], changes, 1, 2, rows[chosen])
        np.testing.assert_array_equal(part, expected[chosen])
    for place in ((0, 2, rows), (1, 0, rows), (1, 2, rows + 1)):
        other, _ = augment(images, labels, changes, *place)
        assert all(np.abs(one - same).max() > 0 for one, same in zip(other, expected, strict=True))


def test_mixup_does_not_depend_on_places_in_the_batch():
    images, labels, rows = random_images(16, 4, 4, 1), np.arange(16) % 3, np.arange(16) * 5
    order = np.random.default_rng(1).permutation(16)
    first = augment(images, labels, EVERYTHING, 1, 2, rows, num_outputs=3)
    second = augment(images[order], labels[order], EVERYTHING, 1, 2, rows[order], num_outputs=3)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one[order], other)


def test_random_numbers_are_those_of_the_reference():
    # The first outputs of splitmix64.c for the seed 1234567.
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    assert splitmix64(np.uint64(1234567), np.arange(4)).tolist() == expected


def test_random_numbers_of_rows_are_uniform_and_independent():
    numbers = np.concatenate([uniform(0, epoch, np.arange(5000), range(10)) for epoch in range(2)], axis=1)
    assert 0 <= numbers.min() < numbers.max() < 1
    counts = np.stack([np.histogram(column, 20, (0, 1))[0] for column in numbers.T])
    assert (((counts - 250) ** 2 / 250).sum(axis=1) < 45).all()  # chi squared of 19 degrees, 99.93 %
    neighbours = np.concatenate([numbers[:-1], numbers[1:]], axis=1)  # of two draws, two epochs, or two rows
    correlations = np.corrcoef(neighbours.T)
    assert np.abs(correlations[np.triu_indices(40, 1)]).max() < 0.06  # 4.2 standard deviations
    np.testing.assert_array_equal(uniform(0, 1, [7], range(6, 8)), numbers[7:8, 16:18])


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_of_mixup_have_the_distribution_of_the_paper(alpha):
    probabilities = np.linspace(0.005, 0.995, 999)
    np.testing.assert_allclose(beta(probabilities, alpha), special.betaincinv(alpha, alpha, probabilities), atol=1e-3)
    share = beta(uniform(0, 0, np.arange(20_000), range(8, 9))[:, 0], alpha)
    assert abs(share.mean() - 0.5) < 0.01
    assert abs(share.var() / (1 / (4 * (2 * alpha + 1))) - 1) < 0.03


def test_partners_are_in_one_circle():
    partner, seen = partners(np.random.default_rng(0).random(9)), [0]
    for _ in range(8):
        seen.append(partner[seen[-1]])
    assert sorted(seen) == list(range(9))
    assert partner[seen[-1]] == 0
    assert partners(np.array([0.5])).tolist() == [0]


def test_settings_do_not_disturb_one_another():
    images, labels = random_images(6, 8, 8, 1), np.arange(6)
    shifted, _ = augment(images, labels, Augmentation(shift=0.2), 0, 0, np.arange(6))
    blanked, _ = augment(images, labels, Augmentation(shift=0.2, cutout=0.5), 0, 0, np.arange(6))
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
    mixed, targets = augment(images, labels, Augmentation(mixup=1.0), 0, 0, np.arange(64), num_outputs=4)
    assert targets.shape == (64, 4)
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(targets, mixed[:, 0, 0])
    assert (targets.max(axis=1) < 0.9).mean() > 0.4


@pytest.mark.parametrize("numbers", [np.arange(8) % 2, np.arange(8) / 7, np.c_[np.arange(8), np.ones(8)]])
def test_mixup_averages_two_classes_and_numbers(numbers):
    images = np.broadcast_to(numbers.reshape(8, 1, 1, -1), (8, 2, 2, numbers.size // 8))
    rows = np.arange(8)
    mixed, targets, weights = augment(images, numbers, Augmentation(mixup=1.0), 0, 0, rows, weights=numbers)
    assert mixed.dtype == targets.dtype == weights.dtype == np.float32
    np.testing.assert_array_equal(targets.reshape(8, -1), mixed[:, 0, 0])
    np.testing.assert_array_equal(weights, targets)


@pytest.mark.parametrize("alpha", [1e-12, 0.01, 1000.0])
@pytest.mark.parametrize("rows", [0, 1, 16])
def test_everything_gives_finite_float32(alpha, rows):
    settings = Augmentation(shift=0.9, rotate=180, zoom=3, flip="both", mixup=alpha, cutout=0.99)
    images = np.full((rows, 8, 5, 3), 255, np.uint8)
    mixed, targets = augment(images, np.zeros(rows, int), settings, 0, 0, np.arange(rows), num_outputs=3)
    assert mixed.dtype == targets.dtype == np.float32
    assert mixed.shape == images.shape
    assert np.isfinite(mixed).all()
    assert np.isfinite(targets).all()


def test_images_given_are_left_as_they_are():
    images = random_images(8, 8, 8, 1)
    augment(images, np.zeros(8), EVERYTHING, 0, 0, np.arange(8))
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
        augment(np.ones((2, 8, 8)), np.zeros(2), Augmentation(), 0, 0, np.arange(2))
    with pytest.raises(ValueError, match="must be the number of classes. Received: 1, and class 2"):
        augment(np.ones((2, 8, 8, 1)), np.array([0, 2]), Augmentation(mixup=1.0), 0, 0, np.arange(2))


@pytest.mark.backend
def test_a_network_learns_from_changed_digits():
    digits = recipes.load_dataset("digits")
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(64, "relu")])
    model.add(keras.layers.Dense(10))
    model.compile(keras.optimizers.SGD(0.2), keras.losses.CategoricalCrossentropy(from_logits=True))
    settings = Augmentation(shift=0.05, rotate=10, zoom=0.1, mixup=0.2, cutout=0.2)
    content = Batches(RowsInMemory(*digits.prepared("train")), 64, augmentation=settings, num_outputs=10)
    model.fit(**content.fit_arguments(), epochs=12, verbose=0)
    x, y = digits.prepared("validation")
    assert np.mean(model.predict(x, verbose=0).argmax(axis=1) == y) > 0.9


def test_memory_does_not_grow_with_the_steps():
    images, labels = random_images(128, 28, 28, 1), np.arange(128) % 10
    content = Batches(RowsInMemory(images, labels), 32, augmentation=EVERYTHING, num_outputs=10)
    content[0]
    tracemalloc.start()
    try:
        for step in range(40):
            content[step]
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < images.nbytes / 2  # the latest batch is a quarter of them

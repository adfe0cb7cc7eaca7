import keras
import numpy as np
import pytest
from model_state import bits, random_numbers, seed_all
from sklearn.datasets import load_digits

import recipes
from recipes.doctor.rules.chance import CONFIDENCE

X, Y = load_digits(return_X_y=True)
X = (X / 16).astype("float32")
TRAIN, HELD = slice(0, 800), slice(800, 1100)
OTHERS = ("healthy", "without rows")


def network(optimizer="adam", activation="softmax", units=10, loss="sparse_categorical_crossentropy", **options):
    seed_all(0)
    hidden = [keras.layers.Dense(32, "relu"), keras.layers.Dropout(0.1)]
    model = keras.Sequential([keras.Input((64,)), *hidden, keras.layers.Dense(units, activation)])
    model.compile(optimizer, loss=loss, **options)
    return model


def fitted(model, doctor=None, x=X, y=Y, **options):
    options = {"epochs": 3, "verbose": 0, "callbacks": [doctor] if doctor else [], **options}
    return model.fit(x[TRAIN], y[TRAIN], **options)


def doctor_of_rows(x=X, y=Y, **options):
    return recipes.TrainingDoctor(x[TRAIN], y[TRAIN], (x[HELD], y[HELD]), **options)


def everything(model):
    return bits([*model.variables, *model.optimizer.variables, *model.metrics_variables]), random_numbers()


@pytest.mark.backend
@pytest.mark.parametrize("kind", ["failing", *(pytest.param(kind, marks=pytest.mark.extensive) for kind in OTHERS)])
def test_the_training_is_bit_for_bit_the_same_as_without_it_and_so_is_the_next(kind):
    rate = 1e-9 if kind == "failing" else 0.01
    outcomes = []
    for doctor in (None, recipes.TrainingDoctor() if kind == "without rows" else doctor_of_rows(verbose=0)):
        model = network(keras.optimizers.Adam(rate), metrics=["accuracy"])
        apply = model.optimizer.apply
        first = fitted(model, doctor, epochs=2, validation_data=(X[HELD], Y[HELD]))
        states, step = [everything(model)], model.train_function
        assert model.history is first
        second = fitted(model, epochs=1)
        assert (model.optimizer.apply, model.train_function) == (apply, step)  # with nothing hooked in
        states.append(everything(model))
        outcomes.append((first.history, second.history, states))
    assert outcomes[0] == outcomes[1]
    record = doctor.diagnosis.seen.course.watched.record
    assert (record.gradient_norm_mean is not None) == (kind == "failing")


def test_a_contradiction_is_said_before_the_first_step_and_ends_the_training_where_that_is_asked_for(capsys):
    doctor = doctor_of_rows(stop=True)
    model = network(activation=None)
    history = fitted(model, doctor, steps_per_epoch=5)
    assert "takes the logarithm of raw outputs" in capsys.readouterr().out
    assert doctor.diagnosis.root.cause == "missing_output_activation"
    assert (len(history.epoch), int(model.optimizer.iterations)) == (1, 1)


def test_without_rows_the_model_and_its_logs_speak(capsys):
    doctor = recipes.TrainingDoctor()
    fitted(network(keras.optimizers.Adam(30.0), metrics=["accuracy"]), doctor)
    assert doctor.diagnosis.root.cause == "lr_too_high"
    assert "The learning rate 30 is high" in capsys.readouterr().out


def test_a_loss_that_is_not_finite_ends_the_training_where_that_is_asked_for():
    doctor = recipes.TrainingDoctor(stop=True, verbose=0)
    model = network(keras.optimizers.SGD(0.1), None, 1, "mean_squared_error")
    history = fitted(model, doctor, x=X * np.float32(1e30))
    assert len(history.epoch) == 1
    assert doctor.diagnosis.root.cause == "exploding_gradient"


def test_what_would_be_tried_is_a_fault_of_half_confidence_where_the_end_is_poor():
    rows = np.random.default_rng(0).uniform(0, 3000, size=(len(X), 64)).astype("float32") * (X > 0.5) + 5000
    doctor = doctor_of_rows(rows, verbose=0)
    fitted(network(keras.optimizers.SGD(0.01)), doctor, x=rows, epochs=2)
    assert (doctor.diagnosis.root.cause, doctor.diagnosis.root.confidence) == ("input_unscaled", CONFIDENCE)


def test_a_healthy_training_has_no_fault_and_says_nothing(capsys):
    doctor = doctor_of_rows()
    fitted(network(keras.optimizers.Adam(0.01)), doctor, epochs=8)
    assert doctor.diagnosis.is_healthy
    assert np.isfinite(doctor.diagnosis.seen.course.score[-1])
    assert capsys.readouterr().out == ""


def test_scores_come_from_the_logs_where_they_have_an_accuracy():
    doctor = recipes.TrainingDoctor()
    model = network(metrics=["accuracy"])
    history = fitted(model, doctor, validation_data=(X[HELD], Y[HELD])).history
    seen = doctor.diagnosis.seen
    assert seen.course.score[1:].tolist() == history["val_accuracy"]
    assert seen.course.train_score[1:].tolist() == history["accuracy"]
    assert "held-out rows" in str(doctor.diagnosis)


def test_where_the_accuracy_of_validation_rows_leaves_nothing_to_gain_no_row_is_predicted():
    x, y = X[Y < 2], Y[Y < 2]
    doctor = recipes.TrainingDoctor(x[:250], y[:250], (x[250:], y[250:]), verbose=0)
    model = network(keras.optimizers.Adam(0.003), metrics=["accuracy"])
    logs = model.fit(x[:250], y[:250], validation_data=(x[250:], y[250:]), epochs=8, verbose=0, callbacks=[doctor])
    assert logs.history["val_accuracy"][-1] > 0.96
    assert model.predict_function is None
    assert doctor.diagnosis.is_healthy


@pytest.mark.extensive
def test_weights_that_a_callback_restores_are_those_that_are_scored():
    class Restoring(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            self.model.set_weights([np.zeros_like(weight) for weight in self.model.get_weights()])

    doctor = doctor_of_rows(verbose=0)
    fitted(network(), callbacks=[Restoring(), doctor])
    assert doctor.diagnosis.seen.course.constant_output


@pytest.mark.extensive
def test_it_serves_several_trainings_and_each_has_its_own_diagnosis():
    doctor = doctor_of_rows(verbose=0)
    assert doctor.diagnosis is None
    fitted(network(activation=None), doctor, epochs=1)
    first = doctor.diagnosis
    fitted(network(keras.optimizers.Adam(0.01)), doctor, epochs=8)
    assert (first.root.cause, doctor.diagnosis.root) == ("missing_output_activation", None)


def test_batches_that_can_be_read_again_serve_as_rows():
    class Batches(keras.utils.PyDataset):
        num_batches = 8

        def __getitem__(self, index):
            return X[100 * index : 100 * index + 100], Y[100 * index : 100 * index + 100]

    doctor = recipes.TrainingDoctor(Batches(), verbose=0)
    network(activation=None).fit(Batches(), epochs=1, verbose=0, callbacks=[doctor])
    assert doctor.diagnosis.root.cause == "missing_output_activation"


@pytest.mark.extensive
def test_an_epoch_that_cannot_be_trained_once_more_ends_no_training():
    class Weighted(keras.Sequential):
        def train_step(self, *arguments):
            if keras.utils.unpack_x_y_sample_weight(arguments[-1])[2] is None:
                raise ValueError("no weights")
            return super().train_step(*arguments)

    model = Weighted([keras.Input((64,)), keras.layers.Dense(10, "softmax")])
    model.compile(keras.optimizers.Adam(1e-9), "sparse_categorical_crossentropy")
    doctor = doctor_of_rows(verbose=0)
    with pytest.warns(UserWarning, match="cannot watch the start of the training: no weights"):
        fitted(model, doctor, sample_weight=np.ones(800))
    assert doctor.diagnosis.root.cause == "lr_too_low"


def test_arguments_that_do_not_fit_are_refused_in_one_sentence():
    with pytest.raises(ValueError, match="`x` must be given with `y`"):
        recipes.TrainingDoctor(y=Y)
    with pytest.raises(ValueError, match="must have as many rows"):
        recipes.TrainingDoctor(X, Y[:9])
    with pytest.raises(ValueError, match="`batch_size` must be"):
        recipes.TrainingDoctor(batch_size=0)
    several = keras.Model(
        inputs := [keras.Input((2,)), keras.Input((2,))], keras.layers.Dense(2)(keras.layers.Add()(inputs))
    )
    several.compile("adam", "mse")
    several.optimizer.build(several.trainable_variables)
    count = len(several.optimizer.variables)
    with pytest.raises(ValueError, match="TrainingDoctor needs `x` and `y`"):
        several.fit([X[:, :2], X[:, :2]], X[:, :2], callbacks=[recipes.TrainingDoctor()], verbose=0)
    assert len(several.optimizer.variables) == count  # none of a meter has stayed
    with pytest.raises(ValueError, match="batches to be read again. Received: an iterator"):
        recipes.TrainingDoctor(iter([(X, Y)]))
    for doctor in (recipes.TrainingDoctor(X[:, :3], Y), recipes.TrainingDoctor(X, Y, (X[:, :3], Y))):
        with pytest.raises(ValueError, match=r"does not take rows of shape \(3,\)") as error:
            fitted(network(), doctor)
        assert "\n" not in str(error.value)


def test_rows_that_are_not_finite_end_no_training():
    x = X.copy()
    x[::3, 2] = np.nan
    model = keras.Sequential([keras.Input((64,)), keras.layers.Lambda(keras.ops.nan_to_num), keras.layers.Dense(10)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    doctor = doctor_of_rows(x, verbose=0)
    assert len(fitted(model, doctor, x=x, epochs=1).epoch) == 1
    assert doctor.diagnosis.root.cause == "input_not_finite"


def test_a_resumed_training_has_one_course():
    doctor, resumed = recipes.TrainingDoctor(), recipes.TrainingDoctor()
    fitted(network(metrics=["accuracy"]), doctor, epochs=2)
    restoring = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: resumed.restore(doctor.state()))
    model = network(metrics=["accuracy"])
    model.optimizer.build(model.trainable_variables)
    fitted(model, callbacks=[resumed, restoring], epochs=1)
    course = resumed.diagnosis.seen.course
    assert course.epochs == 3
    assert course.score[1:3].tolist() == doctor.diagnosis.seen.course.score[1:].tolist()

"""What `TrainingDoctor` says in a `fit` of the user's own, under the name `diagnose` that doctor_cases.py scores."""

import recipes


def diagnose(model, x, y, validation_data=None, *, epochs, batch_size) -> recipes.Diagnosis:
    """Train `model` in place under the callback, and return its diagnosis."""
    doctor = recipes.TrainingDoctor(x, y, validation_data, batch_size=batch_size, verbose=0)
    options = {"epochs": epochs, "batch_size": batch_size, "verbose": 0}
    model.fit(x, y, validation_data=validation_data, callbacks=[doctor], **options)
    return doctor.diagnosis

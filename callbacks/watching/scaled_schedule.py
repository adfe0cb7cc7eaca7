"""A learning-rate schedule that goes on lower than it was planned."""

import keras


@keras.saving.register_keras_serializable(package="keras_recipes")
class ScaledSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """`factor * schedule(step + ahead)`.

    Args:
        schedule: A Keras schedule.
        factor: What its rate is multiplied by.
        ahead: Steps by which the schedule is ahead of the optimizer's count.
        name: Of this schedule.
    """

    def __init__(self, schedule, factor, ahead=0, name="ScaledSchedule"):
        super().__init__()
        self.schedule = schedule
        self.factor = factor
        self.ahead = ahead
        self.name = name

    def __call__(self, step):
        return self.factor * self.schedule(step + self.ahead)

    def get_config(self):
        schedule = keras.optimizers.schedules.serialize(self.schedule)
        return {"schedule": schedule, "factor": self.factor, "ahead": self.ahead, "name": self.name}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        schedule = keras.optimizers.schedules.deserialize(config["schedule"], custom_objects)
        return cls(**{**config, "schedule": schedule})

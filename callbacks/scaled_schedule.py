"""The learning-rate schedule of a training that was set back and goes on at a lower rate than planned."""

import keras


@keras.saving.register_keras_serializable(package="keras_recipes")
class ScaledSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """Another schedule, multiplied by a factor and moved ahead: `factor * schedule(step + ahead)`.

    `StopOnDivergence` replaces the schedule of an optimizer by this one at each restart.

    Args:
        schedule: Original `keras.optimizers.schedules.LearningRateSchedule`.
        factor: Factor of the original learning rate.
        ahead: Steps by which the schedule is ahead of the optimizer's count, which a restart sets back. Default: 0.
        name: Name of this schedule.
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

"""Parts of a date: year, month, weekday and hour."""

import math

import keras
from keras import ops

PARTS = ("year", "month", "weekday", "hour")


@keras.saving.register_keras_serializable(package="keras_recipes")
class DateParts(keras.layers.Layer):
    """Parts of dates that are given as days since 1970, so that a network sees seasons, weekends and times of day.

    Years and months (1 to 12) are those of the Gregorian calendar, weekdays count from Monday (0 to 6), and hours from
    midnight (0 to 23). float32 resolves today's dates to about 3 minutes only, so that an hour begins up to 2 minutes
    early. The parts of a missing date (NaN) are missing.

    Args:
        parts: Names of the parts, among year, month, weekday and hour. Default: all of them.
        offset: Number of days that is added to the inputs. Default: 0.
        unit: Number of days by which the inputs are multiplied first. Default: 1. With another offset and unit than the
            default, float32 resolves dates that are close together.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Input shape: `(...,)`. Output shape: `(..., len(parts))`.

    Raises:
        ValueError: For an unknown part, or for none.
    """

    def __init__(self, parts=PARTS, offset=0.0, unit=1.0, **kwargs):
        kwargs.setdefault("dtype", "float32")  # half precision merges the days of many years
        super().__init__(**kwargs)
        if not parts or not set(parts) <= set(PARTS):
            raise ValueError(f"`parts` must be among {', '.join(PARTS)}. Received: {parts}")
        self.parts, self.offset, self.unit = list(parts), float(offset), float(unit)

    def call(self, inputs):
        found = date_parts(ops.cast(inputs, self.compute_dtype), self.offset, self.unit)
        return ops.stack([found[part] for part in self.parts], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape, len(self.parts))

    def get_config(self):
        return {**super().get_config(), "parts": self.parts, "offset": self.offset, "unit": self.unit}


def date_parts(values, offset=0.0, unit=1.0):
    """Each part of the dates `values * unit + offset`, in days since 1970, as float32 of the shape of `values`."""
    whole = math.floor(offset)
    days = values * unit + (offset - whole)
    day = ops.floor(days)
    # A time that float32 has rounded down must not fall into the hour before: half a step of float32 is added for the
    # rounding of `values`, and another half for that of the sum.
    halves = 1 if offset == whole else 2
    hours = 24 * (days - day) + 24 * halves * 2.0**-24 * ops.abs(days)
    next_day = ops.cast(hours >= 24, hours.dtype)
    day, hour = day + next_day + whole, ops.floor(hours - 24 * next_day)
    year, month = _year_and_month(day)
    return {"year": year, "month": month, "weekday": day + 3 - 7 * _quotient(day + 3, 7), "hour": hour}


def _year_and_month(day):
    """Year and month of a whole number of days since 1970.

    The days are counted within eras of 400 years, whose years begin in March, so that the leap day is the last one
    (Howard Hinnant, "chrono-compatible low-level date algorithms").
    """
    day = day + 719_468  # days since 1 March of the year 0
    era = _quotient(day, 146_097)
    day = day - 146_097 * era
    year = _quotient(day - _quotient(day, 1_460) + _quotient(day, 36_524) - _quotient(day, 146_096), 365)
    day = day - (365 * year + _quotient(year, 4) - _quotient(year, 100))
    month = _quotient(5 * day + 2, 153)  # 0 is March
    year = 400 * era + year + ops.cast(month >= 10, day.dtype)
    return year, month + 3 - 12 * ops.cast(month >= 10, day.dtype)


def _quotient(number, divisor):
    """`number // divisor` of whole numbers in floating point, however the quotient is rounded."""
    return ops.floor((number + 0.5) / divisor)

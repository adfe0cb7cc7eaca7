"""What an error that Keras raised is about, without what Keras puts around it."""

import re


def reason(error: BaseException) -> str:
    """The line of the message of `error` that names the fault, or its class where there is no message."""
    lines = re.sub("\x1b\\[[0-9;]*m", "", str(error)).splitlines()
    return next((line for line in lines if line and not line.startswith("Exception encountered")), repr(error))

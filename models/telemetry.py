"""onnxruntime's wheels measure their use: they make a device identifier and a store of events in the user's cache, and
send them when there is a network. A machine that checks identity cards must not, so it is switched off before the
library is loaded (it reads the variable while loading; switching it off afterwards leaves the identifier behind).
"""

import os

SWITCH = "ORT_DISABLE_TELEMETRY"


def switch_off() -> None:
    """Set the variable, whatever it was."""
    os.environ[SWITCH] = "1"

# SPDX-License-Identifier: Apache-2.0
"""azure-iothub calls methods of azure-iot-device (node/methods.js)."""

import sdk
from sdk import hub, the_cases  # noqa: F401

PROGRAM = 'methods.js'
globals().update(sdk.cases(PROGRAM))

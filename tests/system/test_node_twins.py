# SPDX-License-Identifier: Apache-2.0
"""Twins between azure-iot-device and azure-iothub (node/twins.js)."""

import sdk
from sdk import hub, the_cases  # noqa: F401

PROGRAM = 'twins.js'
globals().update(sdk.cases(PROGRAM))

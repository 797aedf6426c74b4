# SPDX-License-Identifier: Apache-2.0
"""azure-iot-device over MQTT sends telemetry: what its caller sees (node/device-telemetry.js)."""

import sdk
from sdk import hub, the_cases  # noqa: F401

PROGRAM = 'device-telemetry.js'
globals().update(sdk.cases(PROGRAM))

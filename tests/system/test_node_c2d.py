# SPDX-License-Identifier: Apache-2.0
"""azure-iothub sends to azure-iot-device over AMQP, MQTT (node/device-c2d.js)."""

import sdk
from sdk import hub, the_cases  # noqa: F401

PROGRAM = 'device-c2d.js'
globals().update(sdk.cases(PROGRAM))

# SPDX-License-Identifier: Apache-2.0
"""azure-iot-device with azure-iot-device-http: a device over HTTPS (node/device-http.js)."""

import sdk
from sdk import hub, the_cases  # noqa: F401

PROGRAM = 'device-http.js'
globals().update(sdk.cases(PROGRAM))

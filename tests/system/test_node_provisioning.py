# SPDX-License-Identifier: Apache-2.0
"""azure-iot-provisioning-device registers with what azure-iot-provisioning-service enrolled (node/provisioning.js)."""

import sdk
from sdk import hub, the_cases  # noqa: F401

PROGRAM = 'provisioning.js'
globals().update(sdk.cases(PROGRAM))

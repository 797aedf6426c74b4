# SPDX-License-Identifier: Apache-2.0
"""azure-iot-provisioning-device with azure-iot-security-x509 (node/provisioning-x509.js)."""

import sdk
from sdk import hub, the_cases  # noqa: F401

PROGRAM = 'provisioning-x509.js'
globals().update(sdk.cases(PROGRAM))

# SPDX-License-Identifier: Apache-2.0
"""The official device client with certificates (node/device-x509.js)."""

import sdk
from sdk import hub, the_cases  # noqa: F401

PROGRAM = 'device-x509.js'
globals().update(sdk.cases(PROGRAM))

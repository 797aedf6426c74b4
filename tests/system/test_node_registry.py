# SPDX-License-Identifier: Apache-2.0
"""azure-iothub's Registry over HTTPS: identities of devices and modules (node/registry.js)."""

import sdk
from sdk import hub, the_cases  # noqa: F401

PROGRAM = 'registry.js'
globals().update(sdk.cases(PROGRAM))

# SPDX-License-Identifier: Apache-2.0
"""azure-iothub's queries over twins (node/queries.js)."""

import sdk
from sdk import hub, the_cases  # noqa: F401

PROGRAM = 'queries.js'
globals().update(sdk.cases(PROGRAM))

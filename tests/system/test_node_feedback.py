# SPDX-License-Identifier: Apache-2.0
"""azure-iothub hears what became of its messages (node/feedback.js)."""

import sdk
from sdk import hub, the_cases  # noqa: F401

PROGRAM = 'feedback.js'
globals().update(sdk.cases(PROGRAM))

# SPDX-License-Identifier: Apache-2.0
"""@azure/event-hubs at the event endpoint (node/event-hubs.js)."""

import sdk
from sdk import hub, the_cases  # noqa: F401

PROGRAM = 'event-hubs.js'
globals().update(sdk.cases(PROGRAM))

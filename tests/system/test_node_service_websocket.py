# SPDX-License-Identifier: Apache-2.0
"""azure-iothub and @azure/event-hubs over WebSocket (node/service-websocket.js)."""

import sdk
from sdk import hub, the_cases  # noqa: F401

PROGRAM = 'service-websocket.js'
globals().update(sdk.cases(PROGRAM))

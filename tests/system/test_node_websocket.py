# SPDX-License-Identifier: Apache-2.0
"""The official device clients over WebSocket (node/device-websocket.js)."""

import sdk
from sdk import hub, the_cases  # noqa: F401

PROGRAM = 'device-websocket.js'
globals().update(sdk.cases(PROGRAM))

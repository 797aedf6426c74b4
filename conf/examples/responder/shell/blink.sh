#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The method blink, argument {"times": 1..10} or nothing; answers {"blinked": N}. ./answer runs it for each call:
#
#   ./answer blink ./blink.sh
#
#   needs   jq
if times=$(jq -e 'if . == null then 1 else .times // 1 end | select(. == floor and . >= 1 and . <= 10)' 2>/dev/null); then
        echo "blinks $times times" >&2
        echo "{\"blinked\":$times}"
else
        echo '{"error":"expected {\"times\": 1..10}"}'
        exit 2
fi

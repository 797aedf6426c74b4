# SPDX-License-Identifier: Apache-2.0
"""What the dice of a test begin with: HUBLINK_SEED, a number, or `random` as in the campaign. Without it always the same, so
that the normal run finds today what it found yesterday."""

import os
import random

_words = os.environ.get('HUBLINK_SEED', '1')
SEED = random.SystemRandom().randrange(1 << 32) if _words == 'random' else int(_words)

# SPDX-License-Identifier: Apache-2.0
"""What a process costs.

    before = cpu_seconds(pid)
"""

import os
import pathlib


def cpu_seconds(pid):
    """Processor time of all its threads, those that have ended too."""
    fields = pathlib.Path('/proc/%d/stat' % pid).read_text().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

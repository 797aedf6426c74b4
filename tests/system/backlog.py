# SPDX-License-Identifier: Apache-2.0
"""A queue with very many readings, made as a gateway makes it: by a hublinkd without a hub, from a file of lines.

    daemon.configure(SETTINGS % lines)
    gather(daemon, write_lines(lines, 1000000), seconds=300)     # it runs, and all of them wait on disk
"""

SETTINGS = '''
hub: { backoff: { first = "200ms"; max = "1s"; }; };
queue: { commit_interval = "500ms"; max_bytes = "1G"; };
streams: { telemetry: { max_latency = "200ms"; }; };
sensors: { meter: { driver = "tail"; path = "%s"; from = "start"; max_rate = 0; }; };
clock: { trust = true; };
'''


def write_lines(path, n):
    """A reading each."""
    with open(path, 'w', encoding='ascii') as file:
        file.writelines('{"k":%d,"temperature":%.2f}\n' % (k, 20 + k % 1000 / 100) for k in range(1, n + 1))
    return n


def gather(daemon, n, seconds):
    daemon.start()
    daemon.wait_for_properties(lambda p: p['Ledger'].get('waiting') == n, '%d readings in the queue' % n, seconds)

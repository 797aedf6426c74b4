# SPDX-License-Identifier: Apache-2.0
"""The independent server side is one that the official clients accept (node/rhea-clients.js on node/rhea-hub.js)."""

import json

import pytest

import rhea_hub
import sdk
from rhea_hub import RheaHub
from sdk import the_cases  # noqa: F401

PROGRAM = 'rhea-clients.js'
globals().update(sdk.cases(PROGRAM))


@pytest.fixture(scope='module')
def hub(tmp_path_factory):
    names = ('HOST', 'EVENTS_HOST', 'ENTITY', 'POLICY', 'KEY')
    with pytest.MonkeyPatch.context() as patch, RheaHub(tmp_path_factory.mktemp('hub'), refuse={
            'unknown': 'amqp:not-found', 'full': 'amqp:resource-limit-exceeded'}) as hub:
        patch.setenv('RHEA_CLIENTS', json.dumps({name: getattr(rhea_hub, name) for name in names}))
        for n, partition in ((1, '0'), (2, '0'), (3, '1')):
            hub.do('event', partition=partition, body='{"n":%d}' % n,
                   annotations={'iothub-connection-device-id': 'd1'}, properties={'content_type': 'application/json'})
        yield hub

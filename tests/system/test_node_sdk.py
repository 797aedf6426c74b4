# SPDX-License-Identifier: Apache-2.0
"""The official device SDK for Node, unmodified, against hublink-devhub: telemetry, and who may come in."""

import base64
import json
import subprocess

import pytest

import sdk as node
from sdk import hub  # noqa: F401

PUNCTUATION = ' !"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~'

class Sdk:
    """node/device.js, where the hub lives."""

    def __init__(self, hub, trusts=True):
        self.process = node.start(hub, 'device.js', trusts, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, do, **more):
        self.process.stdin.write(json.dumps(dict(more, do=do)) + '\n')
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def open(self, connection_string, **options):
        return self.ask('open', connection_string=connection_string, options=options)

    def send(self, **message):
        answer = self.ask('send', message=message)
        assert answer['ok'], answer

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def sdk(hub):
    sdk = Sdk(hub)
    yield sdk
    sdk.close()


def body_of(event):
    return base64.b64decode(event['body_base64']) if 'body_base64' in event else event['body']


# what the application set; what a reader of the hub finds; what the application calls its own
MESSAGES = [
    (dict(body='{"temperature":21.5}'), {}, {}),
    (dict(body='{"t":[1,2,{"x":null}]}',
          system=dict(messageId='telemetry.00000000deadbeef.1-17', correlationId='c/1 & more', userId='me@home',
                      contentType='application/json', contentEncoding='utf-8')),
     {'message-id': 'telemetry.00000000deadbeef.1-17', 'correlation-id': 'c/1 & more', 'user-id': 'me@home',
      'content-type': 'application/json', 'content-encoding': 'utf-8'}, {}),
    (dict(body='1', system=dict(contentType='application/json;charset=utf-8', to='/a/b', interfaceId='i-1')),
     {'content-type': 'application/json;charset=utf-8', 'to': '/a/b', 'iothub-interface-id': 'i-1'}, {}),
    (dict(body='{}', properties=[['Property', 'PropMsg_1'], ['hl-backfill', '1'], ['empty', '']]),
     {}, {'Property': 'PropMsg_1', 'hl-backfill': '1', 'empty': ''}),
    (dict(body='{}', system=dict(messageId=PUNCTUATION), properties=[[PUNCTUATION, PUNCTUATION]]),
     {'message-id': PUNCTUATION}, {PUNCTUATION: PUNCTUATION}),
    (dict(body='{}', properties=[['100%', '%41%zz%'], ['a+b', 'c+d e'], ['?q', '#h'], ['path', '/etc/x/']]),
     {}, {'100%': '%41%zz%', 'a+b': 'c+d e', '?q': '#h', 'path': '/etc/x/'}),
    (dict(body='"Grüße"', properties=[['ü€😀', 'Grüße, 世界 😀'], ['nfd', 'u\u0308'], ['tab', 'a\tb\nc\x7f']]),
     {}, {'ü€😀': 'Grüße, 世界 😀', 'nfd': 'u\u0308', 'tab': 'a\tb\nc\x7f'}),
    (dict(body='{}', properties=[['same', 'first'], ['same', 'second'], ['dt-subject', 'thermostat1']]),
     {'dt-subject': 'thermostat1'}, {'same': 'first'}),
    (dict(body='{}', properties=[['long', 'v/' * 1000]] + [['p%d' % i, str(i)] for i in range(60)]),
     {}, {'long': 'v/' * 1000, **{'p%d' % i: str(i) for i in range(60)}}),
    (dict(body='no JSON'), {}, {}),
    (dict(body_base64=base64.b64encode(bytes(range(256))).decode()), {}, {}),
    (dict(body=json.dumps('x' * 200000)), {}, {}),
]


# what the hub adds, whatever was sent
HUBS_OWN = ('iothub-connection-', 'iothub-enqueuedtime', 'iothub-message-source')


def body_sent(message):
    if 'body_base64' in message:
        return base64.b64decode(message['body_base64'])
    try:
        return json.loads(message['body'])
    except json.JSONDecodeError:
        return message['body'].encode()


def test_messages_arrive_as_they_were_sent(hub, sdk):
    device = hub.create('sender')
    assert sdk.open(device.connection_string) == {'ok': True}
    for message, _, _ in MESSAGES:
        sdk.send(**message)
    events = hub.events('sender', len(MESSAGES))
    assert len(events) == len(MESSAGES)
    for event, (message, system, properties) in zip(events, MESSAGES):
        told = {name: value for name, value in event['system'].items() if not name.startswith(HUBS_OWN)}
        assert event['device'] == 'sender'
        assert event['system']['iothub-connection-device-id'] == 'sender'
        assert told == system
        assert event['properties'] == properties
        assert body_of(event) == body_sent(message)
    sequences = [event['sequence'] for event in events]
    assert sequences == sorted(set(sequences))


def test_model_and_product_are_understood(hub, sdk):
    device = hub.create('thermostat')
    options = dict(modelId='dtmi:com:example:Thermostat;1', productInfo="acme+gw (ü; 100%)&x=y!'*#?")
    assert sdk.open(device.connection_string, **options) == {'ok': True}
    sdk.send(body='{}')
    assert hub.events('thermostat', 1)[0]['system']['dt-dataschema'] == 'dtmi:com:example:Thermostat;1'


def test_the_secondary_key_opens(hub, sdk):
    device = hub.create('secondary')
    assert sdk.open(device.connection_string.replace(device.key, device.secondary_key)) == {'ok': True}
    sdk.send(body='{}')
    assert len(hub.events('secondary', 1)) == 1


def test_an_odd_id_opens(hub, sdk):
    device = hub.create("A-b:c.d%41_e*f!(g),h=i@j$k'l")
    assert sdk.open(device.connection_string) == {'ok': True}
    sdk.send(body='{}')
    assert hub.events(device.id, 1)[0]['device'] == device.id


def test_a_module_speaks_for_itself(hub, sdk):
    hub.create('gateway')
    module = hub.create('gateway/meter')
    assert sdk.open(module.connection_string) == {'ok': True}
    sdk.send(body='{}', system=dict(messageId='m-1'))
    event = hub.events('gateway', 1)[0]
    assert event['system']['message-id'] == 'm-1'
    assert event['system']['iothub-connection-device-id'] == 'gateway'
    assert event['system']['iothub-connection-module-id'] == 'meter'


@pytest.mark.parametrize('spoil', ['key', 'device', 'case', 'neighbour'])
def test_a_stranger_is_told_unauthorized(hub, sdk, spoil):
    device, neighbour = hub.create('guarded-' + spoil), hub.create('neighbour-' + spoil)
    spoilt = device.connection_string.replace(*{
        'key': (device.key, ('B' if device.key[0] == 'A' else 'A') + device.key[1:]),
        'device': (device.id, 'unknown'),
        'case': (device.id, device.id.upper()),
        'neighbour': (device.id, neighbour.id),
    }[spoil])
    assert spoilt != device.connection_string
    answer = sdk.open(spoilt)
    assert not answer['ok'] and answer['error'] == 'UnauthorizedError', answer
    # the same client may then come in with what is right
    assert sdk.open(device.connection_string) == {'ok': True}


def test_a_hub_of_an_unknown_authority_is_sent_nothing(hub):
    device = hub.create('careful')
    sdk = Sdk(hub, trusts=False)
    answer = sdk.open(device.connection_string)
    sdk.close()
    assert not answer['ok'] and 'certificate' in answer['message'], answer


def test_the_sdk_comes_back_after_a_restart_of_the_hub(hub, sdk):
    device = hub.create('patient')
    assert sdk.open(device.connection_string) == {'ok': True}
    sdk.send(body='{"n":1}')
    hub.stop()
    hub.start()
    sdk.send(body='{"n":2}')
    assert [body_of(event) for event in hub.events('patient', 2)] == [{'n': 1}, {'n': 2}]

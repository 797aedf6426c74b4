// SPDX-License-Identifier: Apache-2.0

// azure-iot-device over azure-iot-device-mqtt: what the sender sees.

'use strict';

const { Message } = require('azure-iot-device');
const { NoRetry } = require('azure-iot-common');
const { test, assert, event, refusal } = require('./harness');
const { client, create, device, monitor } = require('./devhub');

function numbered(n) {
    const message = new Message(JSON.stringify({ n }));
    message.messageId = `message_${n}`;
    message.correlationId = `correlation_${n}`;
    message.contentType = 'application/json';
    message.contentEncoding = 'utf-8';
    message.properties.add('Property', `PropMsg_${n}`);
    return message;
}

test('telemetry is confirmed and arrives with its properties', async (t) => {
    const sender = await device(t, 'sender');
    const result = await sender.sendEvent(numbered(1));
    assert.equal(result.constructor.name, 'MessageEnqueued');
    const [seen] = monitor('sender');
    assert.deepEqual(seen.body, { n: 1 });
    assert.deepEqual(seen.properties, { Property: 'PropMsg_1' });
    assert.equal(seen.system['message-id'], 'message_1');
    assert.equal(seen.system['correlation-id'], 'correlation_1');
    assert.equal(seen.system['content-type'], 'application/json');
    assert.equal(seen.system['content-encoding'], 'utf-8');
});

test('sent one after the other, messages arrive in order', async (t) => {
    const sender = await device(t, 'row');
    for (const n of [1, 2, 3, 4, 5])
        await sender.sendEvent(numbered(n));
    assert.deepEqual(monitor('row').map((seen) => seen.body.n), [1, 2, 3, 4, 5]);
});

test('a hundred sent at once are all confirmed and arrive once', async (t) => {
    const sender = await device(t, 'hundred');
    const all = Array.from({ length: 100 }, (_, n) => n);
    await Promise.all(all.map((n) => sender.sendEvent(numbered(n))));
    assert.deepEqual(monitor('hundred').map((seen) => seen.body.n).sort((a, b) => a - b), all);
});

test('sending opens a client that is not open', async (t) => {
    const sender = await client(t, create('lazy'));
    await sender.sendEvent(numbered(1));
    assert.equal(monitor('lazy').length, 1);
});

test('a closed client may be opened again', async (t) => {
    const sender = await device(t, 'again');
    await sender.sendEvent(numbered(1));
    await sender.close();
    await sender.open();
    await sender.sendEvent(numbered(2));
    assert.deepEqual(monitor('again').map((seen) => seen.body.n), [1, 2]);
});

test('the largest message is taken', async (t) => {
    const sender = await device(t, 'large');
    await sender.sendEvent(new Message(Buffer.alloc(262144, 'x')));
    assert.equal(Buffer.from(monitor('large')[0].body_base64, 'base64').length, 262144);
});

test('trap 26: too large with its properties, a message ends the link without a word', async (t) => {
    const sender = await device(t, 'too-large');
    sender.setRetryPolicy(new NoRetry());
    const message = new Message(Buffer.alloc(262144, 'x'));
    message.properties.add('one', 'more');
    const cut = event(sender, 'disconnect');
    await refusal(sender.sendEvent(message), 'NotConnectedError');
    await cut;
    assert.equal(monitor('too-large').length, 0);
});

test('trap 25: the second connection of an identity wins', async (t) => {
    const made = create('twice');
    const first = await client(t, made);
    first.setRetryPolicy(new NoRetry());
    await first.open();
    const evicted = event(first, 'disconnect');
    const second = await client(t, made);
    await second.open();
    await evicted;
    await second.sendEvent(numbered(2));
    assert.deepEqual(monitor('twice').map((seen) => seen.body.n), [2]);
});

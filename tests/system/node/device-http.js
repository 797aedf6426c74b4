// SPDX-License-Identifier: Apache-2.0

// azure-iot-device over HTTPS: events by POST, and messages that are polled for, completed, rejected or abandoned;
// azure-iothub sends them and hears how they ended.

'use strict';

const { Client, Message } = require('azure-iot-device');
const { Http } = require('azure-iot-device-http');
const { test, assert, event, refusal, until } = require('./harness');
const { create, monitor, serviceClient } = require('./devhub');

const POLL = 0.1; // seconds

async function opened(t, made) {
    const client = Client.fromConnectionString(made.connectionString, Http);
    client.on('error', () => {});
    t.after(() => client.close());
    await client.open();
    return client;
}

// From the first listener on it polls.
async function polling(t, made) {
    const client = await opened(t, made);
    await client.setOptions({ http: { receivePolicy: { interval: POLL } } });
    return client;
}

function message(id, ack) {
    const sent = new Message(`body of ${id}`);
    sent.messageId = id;
    if (ack)
        sent.ack = ack;
    return sent;
}

function quiet(client, milliseconds) {
    return refusal(event(client, 'message', milliseconds), 'Error');
}

test('an event is stored with its properties', async (t) => {
    const client = await opened(t, create('http-event'));
    const sent = new Message('{"t":21.5}');
    Object.assign(sent, { messageId: 'id 1', correlationId: 'c', contentType: 'application/json', contentEncoding: 'utf-8' });
    sent.properties.add('Level', 'a+b&c=d');
    const result = await client.sendEvent(sent);
    assert.equal(result.constructor.name, 'MessageEnqueued');
    const [stored] = monitor('http-event');
    assert.deepEqual(stored.body, { t: 21.5 });
    assert.deepEqual(stored.properties, { Level: 'a+b&c=d' });
    assert.equal(stored.system['message-id'], 'id 1');
    assert.equal(stored.system['correlation-id'], 'c');
    assert.equal(stored.system['content-type'], 'application/json');
    assert.equal(stored.system['content-encoding'], 'utf-8');
});

test('a batch is stored event by event', async (t) => {
    const client = await opened(t, create('http-batch'));
    const second = new Message('{"n":2}');
    second.properties.add('Level', 'high');
    await client.sendEventBatch([new Message('{"n":1}'), second, new Message(Buffer.from([0, 255]))]);
    const stored = monitor('http-batch');
    assert.deepEqual(stored.map((one) => one.body || one.body_base64), [{ n: 1 }, { n: 2 }, 'AP8=']);
    assert.deepEqual(stored[1].properties, { Level: 'high' });
});

test('a device that does not exist is told so', async (t) => {
    const made = create('http-known');
    const stranger = { connectionString: made.connectionString.replace('http-known', 'http-unknown') };
    const client = await opened(t, stranger);
    await refusal(client.sendEvent(new Message('x')), 'UnauthorizedError');
});

test('a message arrives with its fields', async (t) => {
    const client = await polling(t, create('http-receive'));
    const sent = message('m 1');
    sent.correlationId = 'c/1';
    sent.expiryTimeUtc = Date.now() + 600000;
    sent.properties.add('Level', 'a+b');
    await serviceClient(t).send('http-receive', sent);
    const got = await event(client, 'message');
    assert.equal(got.getData().toString(), 'body of m 1');
    assert.equal(got.messageId, 'm 1');
    assert.equal(got.correlationId, 'c/1');
    assert.equal(got.to, '/devices/http-receive/messages/devicebound');
    assert.equal(new Date(got.expiryTimeUtc).getTime(), sent.expiryTimeUtc);
    assert.equal(got.properties.getItem(0).key, 'iothub-app-level'); // Node lower-cases the names of headers
    assert.equal(got.properties.getItem(0).value, 'a+b');
});

test('a completed message does not come again', async (t) => {
    const client = await polling(t, create('http-complete'));
    const service = serviceClient(t);
    await service.send('http-complete', message('1'));
    const got = await event(client, 'message');
    assert.equal((await client.complete(got)).constructor.name, 'MessageCompleted');
    await quiet(client, 500);
});

test('what is settled twice is refused', async (t) => {
    const client = await polling(t, create('http-twice'));
    const service = serviceClient(t);
    await service.send('http-twice', message('1'));
    const got = await event(client, 'message');
    await client.complete(got);
    for (const settle of ['complete', 'reject', 'abandon']) {
        const error = await client[settle](got).then(() => null, (e) => e);
        assert.equal(error && error.response.statusCode, 412, settle);
        assert.match(error.responseBody, /DeviceMessageLockLost/);
    }
});

test('every end gives its feedback', async (t) => {
    const client = await polling(t, create('http-ends'));
    const service = serviceClient(t);
    const receiver = await service.getFeedbackReceiver();
    const feedback = receiver.result || receiver;
    const told = {};
    feedback.on('message', (batch) => {
        for (const record of JSON.parse(batch.getData().toString()))
            told[record.originalMessageId] = record.statusCode;
        feedback.complete(batch, () => {});
    });
    const seen = [];
    client.on('message', (got) => {
        seen.push(got.messageId);
        client[{ completed: 'complete', rejected: 'reject', abandoned: 'abandon' }[got.messageId]](got, () => {});
    });
    for (const id of ['completed', 'rejected', 'abandoned'])
        await service.send('http-ends', message(id, 'full'));
    await until(() => Object.keys(told).length === 3, 'three records', 25000);
    assert.deepEqual(told, { completed: 'Success', rejected: 'Rejected', abandoned: 'DeliveryCountExceeded' });
    assert.equal(seen.filter((id) => id === 'abandoned').length, 10);
    assert.equal(seen.length, 12);
});

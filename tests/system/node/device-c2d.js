// SPDX-License-Identifier: Apache-2.0

// Cloud-to-device messages from azure-iothub over AMQP to azure-iot-device over MQTT.

'use strict';

const { Message, NoRetry } = require('azure-iot-common');
const { test, assert, event, events, refusal } = require('./harness');
const { client, create, device, serviceClient, OWNER } = require('./devhub');

function text(message) {
    return message.getData().toString();
}

function properties(message) {
    return Object.fromEntries(message.properties.propertyList.map(({ key, value }) => [key, value]));
}

test('a message arrives with its body, ids and properties', async (t) => {
    const service = serviceClient(t);
    const receiver = await device(t, 'receiver');
    const arrival = event(receiver, 'message');
    const sent = new Message('{"fan":"on"}');
    sent.messageId = 'c2d-1';
    sent.correlationId = 'about/1';
    sent.contentType = 'application/json';
    sent.contentEncoding = 'utf-8';
    sent.properties.add('room', 'north & south');
    sent.properties.add('ü', '100 % /=+');
    await service.send('receiver', sent);
    const message = await arrival;
    assert.equal(text(message), '{"fan":"on"}');
    assert.equal(message.messageId, 'c2d-1');
    assert.equal(message.correlationId, 'about/1');
    assert.equal(message.contentType, 'application/json');
    assert.equal(message.contentEncoding, 'utf-8');
    assert.deepEqual(properties(message), { room: 'north & south', 'ü': '100 % /=+' });
    assert.equal(message.to, '/devices/receiver/messages/devicebound');
    assert.equal((await receiver.complete(message)).constructor.name, 'MessageCompleted');
});

test('bodies of any bytes arrive as they were', async (t) => {
    const service = serviceClient(t);
    const receiver = await device(t, 'bytes');
    const bodies = [Buffer.from(Array.from({ length: 256 }, (_, n) => n)), Buffer.alloc(0), Buffer.alloc(60000, 'x')];
    const arrivals = events(receiver, 'message', bodies.length);
    for (const body of bodies)
        await service.send('bytes', new Message(body));
    const messages = await arrivals;
    for (let n = 0; n < bodies.length; n++)
        assert.deepEqual(messages[n].getData(), bodies[n]);
});

test('messages arrive in the order they were sent', async (t) => {
    const service = serviceClient(t);
    const receiver = await device(t, 'order');
    const arrivals = events(receiver, 'message', 20);
    for (let n = 0; n < 20; n++)
        await service.send('order', new Message(String(n)));
    assert.deepEqual((await arrivals).map(text), Array.from({ length: 20 }, (_, n) => String(n)));
});

test('what was sent while the device was away arrives when it comes', async (t) => {
    const service = serviceClient(t);
    const made = create('away');
    await service.send('away', new Message('1'));
    await service.send('away', new Message('2'));
    const receiver = await client(t, made);
    const arrivals = events(receiver, 'message', 2);
    await receiver.open();
    assert.deepEqual((await arrivals).map(text), ['1', '2']);
});

test('trap 21: a kept session gets what came meanwhile as soon as it is back', async (t) => {
    const service = serviceClient(t);
    const receiver = await device(t, 'kept');
    const first = event(receiver, 'message');
    await service.send('kept', new Message('before'));
    assert.equal(text(await first), 'before');
    await receiver.close();
    await service.send('kept', new Message('meanwhile'));
    const second = event(receiver, 'message');
    await receiver.open();
    assert.equal(text(await second), 'meanwhile');
});

test('a message is delivered once, not again after it was confirmed', async (t) => {
    const service = serviceClient(t);
    const receiver = await device(t, 'once');
    const seen = [];
    receiver.on('message', (message) => seen.push(text(message)));
    const first = event(receiver, 'message');
    await service.send('once', new Message('1'));
    await first;
    await receiver.close();
    await receiver.open();
    const last = event(receiver, 'message');
    await service.send('once', new Message('2'));
    await last;
    assert.deepEqual(seen, ['1', '2']);
});

test('trap 23: over MQTT a message cannot be rejected or abandoned', async (t) => {
    const service = serviceClient(t);
    const receiver = await device(t, 'no-reject');
    const arrival = event(receiver, 'message');
    await service.send('no-reject', new Message('1'));
    const message = await arrival;
    await refusal((async () => receiver.reject(message))(), 'NotImplementedError');
    await refusal((async () => receiver.abandon(message))(), 'NotImplementedError');
});

test('the 51st message that waits is refused', async (t) => {
    const service = serviceClient(t);
    service.setRetryPolicy(new NoRetry());
    create('full');
    for (let n = 0; n < 50; n++)
        await service.send('full', new Message(String(n)));
    await refusal(service.send('full', new Message('50')), 'DeviceMaximumQueueDepthExceededError');
});

test('a message to an unknown device is refused', async (t) => {
    const service = serviceClient(t);
    service.setRetryPolicy(new NoRetry());
    await refusal(service.send('nobody', new Message('1')), 'DeviceNotFoundError');
});

test('after a refusal the same client sends on', async (t) => {
    const service = serviceClient(t);
    service.setRetryPolicy(new NoRetry());
    const receiver = await device(t, 'still');
    const arrival = event(receiver, 'message');
    await refusal(service.send('nobody', new Message('1')), 'DeviceNotFoundError');
    await service.send('still', new Message('2'));
    assert.equal(text(await arrival), '2');
});

test('a message too large is refused', async (t) => {
    const service = serviceClient(t);
    service.setRetryPolicy(new NoRetry());
    create('small');
    await refusal(service.send('small', new Message(Buffer.alloc(65537, 'x'))), 'MessageTooLargeError');
});

test('an odd id is reached', async (t) => {
    const id = "A-b:c.d%41_e*f!(g),h=i@j$k'l";
    const service = serviceClient(t);
    const receiver = await device(t, id);
    const arrival = event(receiver, 'message');
    await service.send(id, new Message('odd'));
    assert.equal(text(await arrival), 'odd');
});

test('a service client with a wrong key is told unauthorized', async (t) => {
    const stranger = serviceClient(t, OWNER.replace(/SharedAccessKey=.*/, 'SharedAccessKey=' + Buffer.alloc(32).toString('base64')));
    stranger.setRetryPolicy(new NoRetry());
    assert.equal((await refusal(stranger.open(), 'Error')).amqpError.name, 'UnauthorizedError');
});

test('a service client may be opened, closed and opened again', async (t) => {
    const service = serviceClient(t);
    const receiver = await device(t, 'reopen');
    const arrivals = events(receiver, 'message', 2);
    await service.open();
    await service.send('reopen', new Message('1'));
    await service.close();
    await service.open();
    await service.send('reopen', new Message('2'));
    assert.deepEqual((await arrivals).map(text), ['1', '2']);
});

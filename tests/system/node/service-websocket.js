// SPDX-License-Identifier: Apache-2.0

// azure-iothub and @azure/event-hubs over WebSocket on the HTTPS port.

'use strict';

const { EventHubConsumerClient, earliestEventPosition } = require('@azure/event-hubs');
const { Message, NoRetry } = require('azure-iot-common');
const { AmqpWs } = require('azure-iothub');
const WebSocket = require('ws');
const { test, assert, event, events, refusal, until } = require('./harness');
const { OWNER, create, device, eventHub, serviceClient } = require('./devhub');

function service(t, connectionString = OWNER) {
    const opened = serviceClient(t, connectionString, AmqpWs);
    opened.setRetryPolicy(new NoRetry());
    return opened;
}

function consumer(t, connectionString = eventHub()) {
    const opened = new EventHubConsumerClient('$Default', connectionString, {
        webSocketOptions: { webSocket: WebSocket }, retryOptions: { maxRetries: 0, timeoutInMs: 8000 } });
    t.after(() => opened.close());
    return opened;
}

test('messages of every size reach the device in order', async (t) => {
    const opened = service(t);
    const receiver = await device(t, 'receiver');
    const sizes = [0, 1, 100, 30000, 60000];
    const arrivals = events(receiver, 'message', sizes.length);
    for (const size of sizes)
        await opened.send('receiver', new Message(Buffer.alloc(size, 'x')));
    assert.deepEqual((await arrivals).map((message) => message.getData().length), sizes);
});

test('refusals are those of the other port', async (t) => {
    const opened = service(t);
    await refusal(opened.send('nobody', new Message('1')), 'DeviceNotFoundError');
    create('small');
    await refusal(opened.send('small', new Message(Buffer.alloc(65537, 'x'))), 'MessageTooLargeError');
    const stranger = service(t, OWNER.replace(/SharedAccessKey=.*/, 'SharedAccessKey=' + Buffer.alloc(32).toString('base64')));
    assert.equal((await refusal(stranger.open(), 'Error')).amqpError.name, 'UnauthorizedError');
});

test('feedback comes', async (t) => {
    const opened = service(t);
    const { result: feedback } = await opened.getFeedbackReceiver();
    const arrival = event(feedback, 'message', 25000);
    const receiver = await device(t, 'acknowledger');
    const received = event(receiver, 'message');
    const message = new Message('1');
    message.messageId = 'c2d-1';
    message.ack = 'full';
    await opened.send('acknowledger', message);
    await received;
    const [record] = JSON.parse((await arrival).getData().toString());
    assert.deepEqual([record.originalMessageId, record.statusCode], ['c2d-1', 'Success']);
});

test('the event client finds the partitions and reads them', async (t) => {
    const sender = await device(t, 'sender');
    for (let n = 0; n < 50; n++)
        await sender.sendEvent(new Message(JSON.stringify({ n, pad: 'x'.repeat(10 * n) })));
    const opened = consumer(t);
    assert.deepEqual(await opened.getPartitionIds(), ['0', '1', '2', '3']);
    const seen = [];
    const begun = new Set();
    const subscription = opened.subscribe({
        processEvents: async (some, context) => {
            begun.add(context.partitionId);
            seen.push(...some.filter((one) => one.systemProperties['iothub-connection-device-id'] === 'sender'));
        },
        processError: async () => {},
    }, { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 0.2 });
    t.after(() => subscription.close());
    await until(() => begun.size === 4 && seen.length >= 50, 'all events', 20000);
    assert.deepEqual(seen.map((one) => one.body.n), Array.from({ length: 50 }, (_, n) => n));
});

test('the event client with a wrong key is told unauthorized', async (t) => {
    const wrong = eventHub().replace(/SharedAccessKey=[^;]+/, 'SharedAccessKey=' + Buffer.alloc(32, 'w').toString('base64'));
    assert.equal((await refusal(consumer(t, wrong).getPartitionIds(), 'MessagingError')).code, 'UnauthorizedError');
});

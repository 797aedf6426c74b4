// SPDX-License-Identifier: Apache-2.0

// The official clients on rhea-hub.js: it is a hub as they know one, so what hublink-explorer shows on it counts.

'use strict';

const { EventHubConsumerClient, earliestEventPosition } = require('@azure/event-hubs');
const { Message, NoRetry } = require('azure-iot-common');
const { Client } = require('azure-iothub');
const { test, assert, refusal, until } = require('./harness');

const { HOST, EVENTS_HOST, ENTITY, POLICY, KEY } = JSON.parse(process.env.RHEA_CLIENTS);
const SERVICE = `HostName=${HOST};SharedAccessKeyName=${POLICY};SharedAccessKey=${KEY}`;
const EVENTS = `Endpoint=sb://${EVENTS_HOST}/;SharedAccessKeyName=${POLICY};SharedAccessKey=${KEY};EntityPath=${ENTITY}`;

function consumer(t, connectionString = EVENTS) {
    const opened = new EventHubConsumerClient('$Default', connectionString, { retryOptions: { maxRetries: 0 } });
    t.after(() => opened.close());
    return opened;
}

function service(t, connectionString = SERVICE) {
    const opened = Client.fromConnectionString(connectionString);
    opened.setRetryPolicy(new NoRetry());
    t.after(() => opened.close());
    return opened;
}

test('the event client finds both partitions', async (t) => {
    const opened = consumer(t);
    assert.deepEqual(await opened.getPartitionIds(), ['0', '1']);
    const first = await opened.getPartitionProperties('0');
    assert.deepEqual([first.beginningSequenceNumber, first.lastEnqueuedSequenceNumber, first.isEmpty], [100, 101, false]);
});

test('the event client reads from both partitions', async (t) => {
    const opened = consumer(t);
    const seen = [];
    const subscription = opened.subscribe({
        processEvents: async (events) => { seen.push(...events); },
        processError: async () => {},
    }, { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 1 });
    t.after(() => subscription.close());
    await until(() => seen.length >= 3, 'three events');
    assert.deepEqual(seen.map((one) => one.body.n).sort(), [1, 2, 3]);
    assert.equal(seen[0].systemProperties['iothub-connection-device-id'], 'd1');
});

test('the event client with a wrong key is refused', async (t) => {
    const opened = consumer(t, EVENTS.replace(KEY, Buffer.alloc(32).toString('base64')));
    assert.equal((await refusal(opened.getPartitionIds(), 'MessagingError')).code, 'UnauthorizedError');
});

test('the service client sends and is refused', async (t) => {
    const opened = service(t);
    await opened.send('d1', new Message('1'));
    await refusal(opened.send('unknown', new Message('2')), 'DeviceNotFoundError');
    await refusal(opened.send('full', new Message('3')), 'DeviceMaximumQueueDepthExceededError');
});

test('the service client with a wrong key is refused', async (t) => {
    const stranger = service(t, SERVICE.replace(KEY, Buffer.alloc(32).toString('base64')));
    assert.equal((await refusal(stranger.open(), 'Error')).amqpError.name, 'UnauthorizedError');
});

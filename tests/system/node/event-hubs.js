// SPDX-License-Identifier: Apache-2.0

// @azure/event-hubs at the hub's event endpoint.

'use strict';

const { EventHubConsumerClient, earliestEventPosition, latestEventPosition } = require('@azure/event-hubs');
const { Message } = require('azure-iot-device');
const { test, assert, refusal, until, within } = require('./harness');
const { device, endpoints, eventHub } = require('./devhub');

const PARTITIONS = ['0', '1', '2', '3'];
const NO_RETRY = { retryOptions: { maxRetries: 0, timeoutInMs: 8000 } };

function consumer(t, options = {}) {
    const { connectionString = eventHub(), group = '$Default', ...rest } = options;
    const opened = new EventHubConsumerClient(group, connectionString, { ...NO_RETRY, ...rest });
    t.after(() => opened.close());
    return opened;
}

// Collects what comes of the device from there on: {seen, failures, partition: where the last one lay}.
function read(t, opened, id, startPosition, options = {}) {
    const { partition, ...rest } = options;
    const collected = { seen: [], failures: [] };
    const begun = new Set();
    const handlers = {
        processEvents: async (events, context) => {
            const own = events.filter((one) => one.systemProperties['iothub-connection-device-id'] === id);
            begun.add(context.partitionId);
            collected.seen.push(...own);
            if (own.length)
                collected.partition = context.partitionId;
        },
        processError: async (error) => {
            collected.failures.push(error);
        },
    };
    const all = { startPosition, maxWaitTimeInSeconds: 0.2, ...rest };
    const subscription = partition === undefined ? opened.subscribe(handlers, all)
        : opened.subscribe(partition, handlers, all);
    // This SDK throws where nobody can catch it when it is closed while it still attaches a reader.
    collected.close = async () => {
        const readers = partition === undefined ? PARTITIONS.length : 1;
        await until(() => begun.size === readers || collected.failures.length, 'all readers');
        await subscription.close();
    };
    t.after(collected.close);
    collected.until = async (count) => {
        await until(() => collected.seen.length >= count || collected.failures.length, `${count} events`, 20000)
            .catch((error) => { throw new Error(`${error.message}, but ${collected.seen.length}`); });
        assert.deepEqual(collected.failures, []);
        return collected.seen;
    };
    return collected;
}

function numbers(events) {
    return events.map((one) => one.body.n);
}

async function send(sender, ...all) {
    for (const n of all)
        await sender.sendEvent(new Message(JSON.stringify({ n })));
}

// The partition where the events of a device lie; it must have sent some.
async function partitionOf(t, opened, id) {
    const reading = read(t, opened, id, earliestEventPosition);
    await reading.until(1);
    await reading.close();
    return reading.partition;
}

test('trap 45: the partitions are called "0" and so on', async (t) => {
    const opened = consumer(t);
    assert.deepEqual(await opened.getPartitionIds(), PARTITIONS);
});

test('the endpoint tells its name, its birth and its partitions', async (t) => {
    const told = await consumer(t).getEventHubProperties();
    assert.equal(told.name, eventHub().match(/EntityPath=(.*)/)[1]);
    assert.ok(told.createdOn instanceof Date && Math.abs(told.createdOn - Date.now()) < 3600000, String(told.createdOn));
    assert.deepEqual(told.partitionIds, PARTITIONS);
});

test('a partition tells how far it is', async (t) => {
    const sender = await device(t, 'far');
    await send(sender, 1, 2, 3);
    const opened = consumer(t);
    const partition = await partitionOf(t, opened, 'far');
    const before = await opened.getPartitionProperties(partition);
    await send(sender, 4);
    const after = await opened.getPartitionProperties(partition);
    assert.equal(after.partitionId, partition);
    assert.equal(after.isEmpty, false);
    assert.equal(after.lastEnqueuedSequenceNumber, before.lastEnqueuedSequenceNumber + 1);
    assert.ok(after.beginningSequenceNumber <= before.lastEnqueuedSequenceNumber);
    assert.ok(Number(after.lastEnqueuedOffset) > Number(before.lastEnqueuedOffset));
    assert.ok(Math.abs(after.lastEnqueuedOnUtc - Date.now()) < 60000);
});

test('an unknown partition is refused', async (t) => {
    await assert.rejects(consumer(t).getPartitionProperties('99'));
});

test('from the earliest: all, with properties of every kind', async (t) => {
    const sender = await device(t, 'whole', { modelId: 'dtmi:com:example:Thermostat;1' });
    const message = new Message(JSON.stringify({ n: 1 }));
    Object.assign(message, { messageId: 'message_1', correlationId: 'correlation_1', userId: 'me', contentType: 'application/json',
        contentEncoding: 'utf-8' });
    message.properties.add('Property', 'PropMsg_1');
    message.properties.add('ü', '100 % /');
    await sender.sendEvent(message);
    const [seen] = await read(t, consumer(t), 'whole', earliestEventPosition).until(1);
    assert.deepEqual(seen.body, { n: 1 });
    assert.deepEqual(seen.properties, { Property: 'PropMsg_1', 'ü': '100 % /' });
    assert.equal(seen.messageId, 'message_1');
    assert.equal(seen.correlationId, 'correlation_1');
    assert.equal(seen.contentType, 'application/json');
    assert.equal(seen.systemProperties.contentEncoding, 'utf-8');
    const system = seen.systemProperties;
    assert.equal(system['iothub-message-source'], 'Telemetry');
    assert.equal(system['dt-dataschema'], 'dtmi:com:example:Thermostat;1');
    assert.match(system['iothub-connection-auth-generation-id'], /./);
    const method = JSON.parse(system['iothub-connection-auth-method']);
    assert.deepEqual([method.scope, method.issuer], ['device', 'iothub']);
    assert.ok(Math.abs(Number(system['iothub-enqueuedtime']) - Date.now()) < 60000);
    assert.ok(Math.abs(seen.enqueuedTimeUtc - Date.now()) < 60000);
    assert.equal(typeof seen.sequenceNumber, 'number');
});

test('bodies that are no JSON arrive as bytes', async (t) => {
    const sender = await device(t, 'raw');
    const body = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
    await sender.sendEvent(new Message(body));
    const [seen] = await read(t, consumer(t), 'raw', earliestEventPosition).until(1);
    assert.deepEqual(Buffer.from(seen.body), body);
});

test('the events of a device lie in one partition, in order', async (t) => {
    const sender = await device(t, 'ordered');
    const all = Array.from({ length: 50 }, (_, n) => n);
    await send(sender, ...all);
    const opened = consumer(t);
    const partition = await partitionOf(t, opened, 'ordered');
    const seen = await read(t, opened, 'ordered', earliestEventPosition, { partition }).until(50);
    assert.deepEqual(numbers(seen), all);
    const sequences = seen.map((one) => one.sequenceNumber);
    assert.deepEqual(sequences, [...new Set(sequences)].sort((a, b) => a - b));
});

test('the events of all devices lie in several partitions', async (t) => {
    const ids = Array.from({ length: 12 }, (_, n) => `spread-${n}`);
    for (const id of ids)
        await send(await device(t, id), 1);
    const partitions = new Set();
    const opened = consumer(t);
    for (const partition of await opened.getPartitionIds())
        if (!(await opened.getPartitionProperties(partition)).isEmpty)
            partitions.add(partition);
    assert.ok(partitions.size > 1, [...partitions].join());
});

test('from the latest: what comes from now on', async (t) => {
    const sender = await device(t, 'new');
    await send(sender, 1, 2);
    const opened = consumer(t);
    const reading = read(t, opened, 'new', latestEventPosition);
    // Attaching takes a while that the client does not tell of: send until the first one is seen.
    let n = 2;
    await until(async () => {
        await send(sender, ++n);
        return reading.seen.length > 0;
    }, 'the first new event', 15000);
    const seen = numbers(reading.seen);
    assert.ok(seen[0] > 2, seen.join());
    await send(sender, n + 1);
    await until(() => numbers(reading.seen).includes(n + 1), 'the last event');
});

test('from a sequence number: itself or the next', async (t) => {
    const sender = await device(t, 'from-sequence');
    await send(sender, 1, 2, 3, 4);
    const opened = consumer(t);
    const partition = await partitionOf(t, opened, 'from-sequence');
    const all = await read(t, opened, 'from-sequence', earliestEventPosition, { partition }).until(4);
    const sequenceNumber = all[1].sequenceNumber;
    const after = read(t, consumer(t), 'from-sequence', { sequenceNumber }, { partition });
    const from = read(t, consumer(t), 'from-sequence', { sequenceNumber, isInclusive: true }, { partition });
    assert.deepEqual(numbers(await after.until(2)), [3, 4]);
    assert.deepEqual(numbers(await from.until(3)), [2, 3, 4]);
});

test('trap 44: from an offset: a text that counts', async (t) => {
    const sender = await device(t, 'from-offset');
    await send(sender, 1, 2, 3, 4);
    const opened = consumer(t);
    const partition = await partitionOf(t, opened, 'from-offset');
    const all = await read(t, opened, 'from-offset', earliestEventPosition, { partition }).until(4);
    for (const one of all)
        assert.equal(typeof one.offset, 'string');
    const reading = read(t, consumer(t), 'from-offset', { offset: all[1].offset }, { partition });
    assert.deepEqual(numbers(await reading.until(2)), [3, 4]);
});

test('trap 43: from a time', async (t) => {
    const sender = await device(t, 'from-time');
    await send(sender, 1, 2);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const enqueuedOn = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await send(sender, 3, 4);
    const reading = read(t, consumer(t), 'from-time', { enqueuedOn });
    assert.deepEqual(numbers(await reading.until(2)), [3, 4]);
});

test('several consumers each get everything', async (t) => {
    const sender = await device(t, 'several');
    await send(sender, 1, 2, 3);
    const readings = [1, 2, 3].map(() => read(t, consumer(t), 'several', earliestEventPosition));
    await send(sender, 4);
    for (const reading of readings)
        assert.deepEqual(numbers(await reading.until(4)), [1, 2, 3, 4]);
});

test('a reader that was closed goes on where it was', async (t) => {
    const sender = await device(t, 'resumed');
    await send(sender, 1, 2);
    const opened = consumer(t);
    const partition = await partitionOf(t, opened, 'resumed');
    const first = read(t, opened, 'resumed', earliestEventPosition, { partition });
    const last = (await first.until(2)).at(-1);
    await first.close();
    await send(sender, 3);
    const second = read(t, opened, 'resumed', { sequenceNumber: last.sequenceNumber }, { partition });
    assert.deepEqual(numbers(await second.until(1)), [3]);
});

test('a reader with a higher owner level puts out the lower', async (t) => {
    const sender = await device(t, 'owned');
    await send(sender, 1);
    const opened = consumer(t);
    const partition = await partitionOf(t, opened, 'owned');
    const lower = read(t, consumer(t), 'owned', earliestEventPosition, { partition, ownerLevel: 1 });
    await lower.until(1);
    const higher = read(t, consumer(t), 'owned', earliestEventPosition, { partition, ownerLevel: 2 });
    await higher.until(1);
    await until(() => lower.failures.length, 'the eviction', 15000);
    assert.equal(lower.failures[0].code, 'ReceiverDisconnectedError');
});

test('trap 2: the key signs as its text, and a wrong key is refused', async (t) => {
    const wrong = eventHub().replace(/SharedAccessKey=[^;]+/, 'SharedAccessKey=' + Buffer.alloc(32, 'w').toString('base64'));
    const error = await refusal(within(consumer(t, { connectionString: wrong }).getPartitionIds(), 'an answer', 15000),
        'MessagingError');
    assert.equal(error.code, 'UnauthorizedError');
});

test('a reader of another consumer group does not put out one of the first', async (t) => {
    const sender = await device(t, 'grouped');
    await send(sender, 1);
    const opened = consumer(t);
    const partition = await partitionOf(t, opened, 'grouped');
    const first = read(t, opened, 'grouped', earliestEventPosition, { partition, ownerLevel: 1 });
    await first.until(1);
    const second = read(t, consumer(t, { group: 'second' }), 'grouped', earliestEventPosition, { partition, ownerLevel: 2 });
    await second.until(1);
    await send(sender, 2);
    assert.deepEqual(numbers(await first.until(2)), [1, 2]);
    assert.deepEqual(numbers(await second.until(2)), [1, 2]);
});

test('as to a development emulator: plain, on a port of its own', async (t) => {
    const sender = await device(t, 'plain');
    await send(sender, 1);
    const connectionString = eventHub(`localhost:${endpoints.amqp_port}`) + ';UseDevelopmentEmulator=true';
    const opened = consumer(t, { connectionString });
    assert.deepEqual(await opened.getPartitionIds(), PARTITIONS);
    assert.deepEqual(numbers(await read(t, opened, 'plain', earliestEventPosition).until(1)), [1]);
});

// SPDX-License-Identifier: Apache-2.0

// Feedback of cloud-to-device messages, as azure-iothub's feedback receiver tells it. A batch may take the hub 15 s:
// all messages of the cases go out at first, and each case judges the records of its own.

'use strict';

const { Message } = require('azure-iot-common');
const { test, assert, event, events, until } = require('./harness');
const { create, device, serviceClient } = require('./devhub');

const records = [];
const batches = [];
const tags = [];
const failures = [];
const made = {};

function message(id, ack, milliseconds) {
    const sent = new Message(id);
    sent.messageId = id;
    if (ack)
        sent.ack = ack;
    if (milliseconds !== undefined)
        sent.expiryTimeUtc = Date.now() + milliseconds;
    return sent;
}

function of(id) {
    return records.filter((record) => record.originalMessageId === id);
}

test('a feedback receiver gets what was asked for', async (t) => {
    const service = serviceClient(t);
    const receiver = await service.getFeedbackReceiver();
    const feedback = receiver.result || receiver;
    feedback.on('message', (batch) => {
        // The client does not show the delivery, it only keeps it until it is completed.
        tags.push(feedback._receiver._undisposedDeliveries.at(-1).delivery.tag);
        batches.push(batch);
        records.push(...JSON.parse(batch.getData().toString()));
        feedback.complete(batch).catch((error) => failures.push(error));
    });
    made.present = create('present');
    made.absent = create('absent');
    const acks = ['none', 'positive', 'negative', 'full'];
    for (const ack of acks)
        await service.send('absent', message(`expired-${ack}`, ack, 1000));
    const there = await device(t, made.present);
    const arrivals = events(there, 'message', acks.length + 1);
    for (const ack of acks)
        await service.send('present', message(`done-${ack}`, ack));
    await service.send('present', message('done-unasked'));
    await arrivals;
    await until(() => records.length >= 4, 'four records', 25000);
});

test('a message that was received gives positive feedback', async () => {
    assert.equal(of('done-positive').length, 1);
    assert.equal(of('done-full').length, 1);
    for (const record of [...of('done-positive'), ...of('done-full')]) {
        assert.equal(record.statusCode, 'Success');
        assert.equal(record.description, 'Success');
        assert.equal(record.deviceId, 'present');
        assert.equal(record.deviceGenerationId, made.present.generationId);
        assert.match(record.enqueuedTimeUtc, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
        assert.ok(Math.abs(Date.parse(record.enqueuedTimeUtc) - Date.now()) < 60000);
    }
});

test('a message that expired gives negative feedback', async () => {
    assert.equal(of('expired-negative').length, 1);
    assert.equal(of('expired-full').length, 1);
    for (const record of [...of('expired-negative'), ...of('expired-full')]) {
        assert.equal(record.statusCode, 'Expired');
        assert.equal(record.description, 'Expired');
        assert.equal(record.deviceId, 'absent');
        assert.equal(record.deviceGenerationId, made.absent.generationId);
    }
});

test('nobody is told what nobody asked for', async () => {
    for (const id of ['done-none', 'done-negative', 'done-unasked', 'expired-none', 'expired-positive'])
        assert.deepEqual(of(id), [], id);
});

test('a batch may be completed', async () => {
    assert.deepEqual(failures, []);
});

test('a batch is marked as feedback and by its hub', async () => {
    assert.ok(batches.length);
    for (const batch of batches) {
        assert.equal(batch.contentType, 'application/vnd.microsoft.iothub.feedback.json');
        assert.equal(String(batch.transportObj.user_id), 'devhub');
    }
});

test('trap 42: a delivery tag of 16 bytes and the time as a timestamp', async () => {
    for (const batch of batches) {
        const time = batch.transportObj.message_annotations['iothub-enqueuedtime'];
        assert.ok(time instanceof Date || typeof time === 'number', typeof time);
        assert.ok(Math.abs(Number(time) - Date.now()) < 60000);
    }
    assert.equal(tags.length, batches.length);
    for (const tag of tags)
        assert.equal(tag.length, 16);
});

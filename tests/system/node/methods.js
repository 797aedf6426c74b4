// SPDX-License-Identifier: Apache-2.0

// Direct methods from azure-iothub over HTTPS to azure-iot-device over MQTT.

'use strict';

const { NoRetry } = require('azure-iot-common');
const { test, assert, refusal } = require('./harness');
const { client, create, device, serviceClient, settled, policy } = require('./devhub');

function caller(t, connectionString) {
    const service = serviceClient(t, connectionString);
    service.setRetryPolicy(new NoRetry());
    return service;
}

// A device that answers the methods given: name -> function(payload) -> [status, payload].
async function responder(t, id, methods) {
    const opened = await device(t, id);
    for (const [name, answer] of Object.entries(methods))
        opened.onDeviceMethod(name, (request, response) => {
            const told = answer(request.payload, request);
            if (told)
                response.send(told[0], told[1]);
        });
    await settled(opened);
    return opened;
}

// What the hub says in its JSON within a JSON string, or in plain JSON.
function errorOf(error) {
    const body = JSON.parse(error.responseBody);
    try {
        return JSON.parse(body.Message);
    } catch {
        return body;
    }
}

test('a method is answered with status and payload', async (t) => {
    await responder(t, 'answers', { report: (payload) => [200, { since: payload.since, max: 21.5 }] });
    const { result, message } = await caller(t).invokeDeviceMethod('answers', {
        methodName: 'report', payload: { since: '2026-01-01T00:00:00Z' } });
    assert.deepEqual(result, { status: 200, payload: { since: '2026-01-01T00:00:00Z', max: 21.5 } });
    assert.equal(message.statusCode, 200);
});

test('payloads of every JSON type go there and back', async (t) => {
    await responder(t, 'mirror', { mirror: (payload) => [200, payload] });
    const service = caller(t);
    for (const payload of ['text', 'Grüße "x" \\', 42, -1.5e10, true, null, [], [1, [2, null]], {}, { a: { b: ['c'] } }]) {
        const { result } = await service.invokeDeviceMethod('mirror', { methodName: 'mirror', payload });
        assert.deepEqual(result, { status: 200, payload });
    }
});

test('a status of the device is passed on as it is', async (t) => {
    await responder(t, 'states', { fail: () => [500, { why: 'broken' }], odd: () => [-7, null], half: () => [202] });
    const service = caller(t);
    assert.deepEqual((await service.invokeDeviceMethod('states', { methodName: 'fail' })).result,
        { status: 500, payload: { why: 'broken' } });
    assert.equal((await service.invokeDeviceMethod('states', { methodName: 'odd' })).result.status, -7);
    assert.equal((await service.invokeDeviceMethod('states', { methodName: 'half' })).result.status, 202);
});

test('the request tells the name, an id and the payload', async (t) => {
    let seen;
    await responder(t, 'told', { blink: (_, request) => { seen = request; return [200]; } });
    await caller(t).invokeDeviceMethod('told', { methodName: 'blink', payload: 3 });
    assert.equal(seen.methodName, 'blink');
    assert.equal(seen.payload, 3);
    assert.match(seen.requestId, /./);
});

test('twenty calls at once each get their own answer', async (t) => {
    await responder(t, 'busy', { double: (n) => [200, 2 * n] });
    const service = caller(t);
    const all = Array.from({ length: 20 }, (_, n) => n);
    const answers = await Promise.all(all.map((payload) =>
        service.invokeDeviceMethod('busy', { methodName: 'double', payload })));
    assert.deepEqual(answers.map(({ result }) => result.payload), all.map((n) => 2 * n));
});

test('large payloads go there and back', async (t) => {
    await responder(t, 'large', { mirror: (payload) => [200, payload] });
    const payload = 'x'.repeat(120000);
    const { result } = await caller(t).invokeDeviceMethod('large', { methodName: 'mirror', payload });
    assert.equal(result.payload, payload);
});

test('a method of an unknown device is refused', async (t) => {
    const error = await refusal(caller(t).invokeDeviceMethod('nobody', { methodName: 'x' }), 'Error');
    assert.equal(error.response.statusCode, 404);
    assert.equal(error.response.headers['iothub-errorcode'], 'DeviceNotFound');
    assert.equal(errorOf(error).errorCode, 404001);
});

test('trap 34: a device that is away: 404103 in JSON within a string, and the header agrees', async (t) => {
    create('offline');
    const error = await refusal(caller(t).invokeDeviceMethod('offline', { methodName: 'x' }), 'Error');
    assert.equal(error.message, 'Not found');
    assert.equal(error.response.headers['iothub-errorcode'], 'DeviceNotOnline');
    assert.equal(typeof JSON.parse(error.responseBody).Message, 'string');
    assert.equal(errorOf(error).errorCode, 404103);
});

test('trap 33: a device that is there but answers no methods is as if away', async (t) => {
    const opened = await device(t, 'deaf');
    await settled(opened);
    const error = await refusal(caller(t).invokeDeviceMethod('deaf', { methodName: 'x' }), 'Error');
    assert.equal(errorOf(error).errorCode, 404103);
});

test('a device that comes in time is waited for', async (t) => {
    const made = create('late');
    const call = caller(t).invokeDeviceMethod('late', { methodName: 'hello', connectTimeoutInSeconds: 20 });
    await new Promise((resolve) => setTimeout(resolve, 500));
    await responder(t, made, { hello: () => [200, 'here'] });
    assert.deepEqual((await call).result, { status: 200, payload: 'here' });
});

test('a device that does not answer in time, or does not know the method: 504101', async (t) => {
    await responder(t, 'mute', { sleep: () => null });
    const service = caller(t);
    const refuse = async (methodName) => {
        const error = await refusal(service.invokeDeviceMethod('mute', {
            methodName, responseTimeoutInSeconds: 5, connectTimeoutInSeconds: 5 }), 'GatewayTimeoutError');
        assert.equal(error.response.statusCode, 504);
        assert.equal(errorOf(error).errorCode, 504101);
    };
    await Promise.all(['sleep', 'unknown'].map(refuse));
});

test('times outside the limits are refused', async (t) => {
    create('limits');
    const service = caller(t);
    for (const times of [{ responseTimeoutInSeconds: 301 }, { connectTimeoutInSeconds: 301 }, { responseTimeoutInSeconds: 1 }])
        await refusal(service.invokeDeviceMethod('limits', { methodName: 'x', ...times }), 'ArgumentError');
});

test('a policy without ServiceConnect may not call', async (t) => {
    await responder(t, 'guarded', { open: () => [200] });
    const error = await refusal(caller(t, policy('registryReadWrite')).invokeDeviceMethod('guarded', { methodName: 'open' }),
        'UnauthorizedError');
    assert.equal(error.response.statusCode, 401);
});

test('a module answers methods of its own', async (t) => {
    create('carrier');
    const opened = await client(t, create('carrier/meter'));
    await opened.open();
    opened.onMethod('read', (request, response) => response.send(200, { of: 'meter', asked: request.payload }));
    await settled(opened);
    const service = caller(t);
    const { result } = await service.invokeDeviceMethod('carrier', 'meter', { methodName: 'read', payload: 1 });
    assert.deepEqual(result, { status: 200, payload: { of: 'meter', asked: 1 } });
    const error = await refusal(service.invokeDeviceMethod('carrier', { methodName: 'read' }), 'Error');
    assert.equal(errorOf(error).errorCode, 404103);
});

test('a method of an unknown module is refused', async (t) => {
    create('bare');
    const error = await refusal(caller(t).invokeDeviceMethod('bare', 'no-module', { methodName: 'x' }), 'Error');
    assert.equal(error.response.statusCode, 404);
});

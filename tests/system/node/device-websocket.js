// SPDX-License-Identifier: Apache-2.0

// azure-iot-device and azure-iot-provisioning-device over WebSocket on the HTTPS port.

'use strict';

const { NoRetry } = require('azure-iot-common');
const { Message } = require('azure-iot-device');
const { MqttWs } = require('azure-iot-device-mqtt');
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { MqttWs: ProvisioningMqttWs } = require('azure-iot-provisioning-device-mqtt');
const { ProvisioningServiceClient } = require('azure-iot-provisioning-service');
const { SymmetricKeySecurityClient } = require('azure-iot-security-symmetric-key');
const { test, assert, event, events, refusal } = require('./harness');
const { client, create, device: overMqtt, endpoints, monitor, policy, registry, serviceClient, settled } = require('./devhub');

const KEY = Buffer.alloc(32, 'k').toString('base64');

function device(t, made, options) {
    return overMqtt(t, made, options, MqttWs);
}

test('telemetry is confirmed and arrives', async (t) => {
    const sender = await device(t, 'sender', { modelId: 'dtmi:com:example:Thermostat;1' });
    const message = new Message('{"n":1}');
    message.messageId = 'message_1';
    message.properties.add('Property', 'PropMsg_1');
    await sender.sendEvent(message);
    const [seen] = monitor('sender');
    assert.deepEqual(seen.body, { n: 1 });
    assert.deepEqual(seen.properties, { Property: 'PropMsg_1' });
    assert.equal(seen.system['message-id'], 'message_1');
    assert.equal(seen.system['dt-dataschema'], 'dtmi:com:example:Thermostat;1');
});

test('large and many messages pass its frames', async (t) => {
    const sender = await device(t, 'frames');
    const sizes = [0, 1, 125, 126, 127, 65000, 65535, 65536, 200000, 262144];
    await Promise.all(sizes.map((size) => sender.sendEvent(new Message(Buffer.alloc(size, 'x')))));
    for (let n = 0; n < 50; n++)
        await sender.sendEvent(new Message(String(n)));
    assert.equal(monitor('frames').length, sizes.length + 50);
});

test('messages to the device arrive in order and are completed', async (t) => {
    const service = serviceClient(t);
    const receiver = await device(t, 'receiver');
    const arrivals = events(receiver, 'message', 5);
    for (let n = 0; n < 5; n++)
        await service.send('receiver', new Message(`${n} ${'x'.repeat(20000)}`));
    const seen = (await arrivals).map((message) => message.getData().toString()[0]);
    assert.deepEqual(seen, ['0', '1', '2', '3', '4']);
    assert.equal((await registry().get('receiver')).responseBody.cloudToDeviceMessageCount, 0);
});

test('methods are answered', async (t) => {
    const answerer = await device(t, 'answerer');
    answerer.onDeviceMethod('mirror', (request, response) => response.send(200, request.payload));
    await settled(answerer);
    const { result } = await serviceClient(t).invokeDeviceMethod('answerer', { methodName: 'mirror', payload: { a: [1] } });
    assert.deepEqual(result, { status: 200, payload: { a: [1] } });
});

test('the twin is read, reported and listened to', async (t) => {
    const opened = await device(t, 'twin');
    const twin = await opened.getTwin();
    assert.deepEqual(twin.properties.desired, { $version: 1 });
    await new Promise((resolve, reject) =>
        twin.properties.reported.update({ a: 1 }, (error) => error ? reject(error) : resolve()));
    const arrival = event(twin, 'properties.desired.b');
    await settled(opened);
    const { responseBody } = await registry().updateTwin('twin', { properties: { desired: { b: 2 } } }, '*');
    assert.equal(responseBody.properties.reported.a, 1);
    assert.equal(await arrival, 2);
});

test('a wrong key is told unauthorized', async (t) => {
    const made = create('wrong');
    const wrong = made.connectionString.replace(/SharedAccessKey=.*/, `SharedAccessKey=${KEY}`);
    const opened = await client(t, wrong, {}, MqttWs);
    opened.setRetryPolicy(new NoRetry());
    await refusal(opened.open(), 'UnauthorizedError');
});

test('a link on one port takes over from one on the other', async (t) => {
    const made = create('twice');
    const plain = await client(t, made);
    plain.setRetryPolicy(new NoRetry());
    await plain.open();
    const evicted = event(plain, 'disconnect');
    const second = await device(t, made);
    await evicted;
    await settled(second);
});

test('a closed client may be opened again', async (t) => {
    const opened = await device(t, 'again');
    await settled(opened);
    await opened.close();
    await opened.open();
    await settled(opened);
    assert.equal(monitor('again').length, 2);
});

test('a device is provisioned and comes in', async (t) => {
    const enrolments = ProvisioningServiceClient.fromConnectionString(policy('provisioningserviceowner'));
    const symmetricKey = { primaryKey: KEY, secondaryKey: KEY };
    await enrolments.createOrUpdateIndividualEnrollment({
        registrationId: 'provisioned', attestation: { type: 'symmetricKey', symmetricKey } });
    const provisioning = ProvisioningDeviceClient.create(endpoints.host, endpoints.id_scope, new ProvisioningMqttWs(),
        new SymmetricKeySecurityClient('provisioned', KEY));
    const { status, assignedHub, deviceId } = await provisioning.register();
    assert.equal(status, 'assigned');
    const connectionString = `HostName=${assignedHub};DeviceId=${deviceId};SharedAccessKey=${KEY}`;
    await settled(await device(t, { connectionString }));
    assert.equal(monitor('provisioned').length, 1);
});

// SPDX-License-Identifier: Apache-2.0

// azure-iot-provisioning-device over MQTT, and azure-iot-provisioning-service over HTTPS for the enrolments.

'use strict';

const crypto = require('node:crypto');
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { Mqtt } = require('azure-iot-provisioning-device-mqtt');
const { ProvisioningServiceClient } = require('azure-iot-provisioning-service');
const { SymmetricKeySecurityClient } = require('azure-iot-security-symmetric-key');
const { test, assert, refusal, sideBySide } = require('./harness');
const { client, endpoints, monitor, policy, registry, settled } = require('./devhub');

sideBySide(6); // each waits some seconds, as the service bids it

const hub = registry();
const enrolments = ProvisioningServiceClient.fromConnectionString(policy('provisioningserviceowner'));
const KEY = Buffer.alloc(32, 'k').toString('base64');
const OTHER_KEY = Buffer.alloc(32, 'o').toString('base64');

function attestation(primaryKey = KEY, secondaryKey = OTHER_KEY) {
    return { type: 'symmetricKey', symmetricKey: { primaryKey, secondaryKey } };
}

async function enrol(registrationId, more = {}) {
    const enrolment = { registrationId, attestation: attestation(), ...more };
    return (await enrolments.createOrUpdateIndividualEnrollment(enrolment)).responseBody;
}

async function enrolGroup(enrollmentGroupId, more = {}) {
    const group = { enrollmentGroupId, attestation: attestation(), ...more };
    return (await enrolments.createOrUpdateEnrollmentGroup(group)).responseBody;
}

function derived(key, registrationId) {
    return crypto.createHmac('sha256', Buffer.from(key, 'base64')).update(registrationId).digest('base64');
}

function register(registrationId, key = KEY, { payload, scope = endpoints.id_scope } = {}) {
    const security = new SymmetricKeySecurityClient(registrationId, key);
    const provisioning = ProvisioningDeviceClient.create(endpoints.host, scope, new Mqtt(), security);
    if (payload)
        provisioning.setProvisioningPayload(payload);
    return provisioning.register();
}

// Connects with what was assigned and sends; fails if that does not go.
async function use(t, { assignedHub, deviceId }, key = KEY) {
    const opened = await client(t, `HostName=${assignedHub};DeviceId=${deviceId};SharedAccessKey=${key}`);
    await opened.open();
    await settled(opened);
    assert.equal(monitor(deviceId).length, 1);
    return opened;
}

test('an individual enrolment is assigned, and its device comes in', async (t) => {
    await enrol('single');
    const state = await register('single');
    assert.equal(state.status, 'assigned');
    assert.equal(state.substatus, 'initialAssignment');
    assert.equal(state.registrationId, 'single');
    assert.equal(state.deviceId, 'single');
    assert.equal(state.assignedHub, endpoints.host);
    assert.ok(Math.abs(Date.parse(state.createdDateTimeUtc) - Date.now()) < 60000);
    assert.ok(state.symmetricKey);
    assert.match(state.etag, /./);
    await use(t, state);
    const { responseBody: device } = await hub.get('single');
    assert.equal(device.authentication.symmetricKey.primaryKey, KEY);
});

test('the secondary key registers too', async () => {
    await enrol('second');
    assert.equal((await register('second', OTHER_KEY)).status, 'assigned');
});

test('an enrolment names another device id', async (t) => {
    await enrol('alias', { deviceId: 'Real-Name' });
    const state = await register('alias');
    assert.deepEqual([state.registrationId, state.deviceId], ['alias', 'Real-Name']);
    await use(t, state);
});

test('of a group, a device with the derived key is assigned and comes in', async (t) => {
    await enrolGroup('line');
    const key = derived(KEY, 'line-0017');
    const state = await register('line-0017', key);
    assert.deepEqual([state.status, state.deviceId], ['assigned', 'line-0017']);
    assert.equal(state.symmetricKey.enrollmentGroupId, 'line');
    await use(t, state, key);
});

test('of a group, a key derived for another device is refused', async () => {
    await enrolGroup('line-2');
    await refusal(register('line-2-a', derived(KEY, 'line-2-b')), 'UnauthorizedError');
});

test('trap 9: a wrong key is told on the answers topic', async () => {
    await enrol('wrong-key');
    await refusal(register('wrong-key', Buffer.alloc(32, 'w').toString('base64')), 'UnauthorizedError');
    await refusal(hub.get('wrong-key'), 'DeviceNotFoundError');
});

test('an unknown registration is refused', async () => {
    await refusal(register('unknown'), 'UnauthorizedError');
});

test('another scope is refused', async () => {
    await enrol('scoped');
    await refusal(register('scoped', KEY, { scope: '0ne0BADBAD0' }), 'UnauthorizedError');
});

test('a disabled enrolment does not register', async () => {
    await enrol('disabled', { provisioningStatus: 'disabled' });
    // A state that the SDK has no name for.
    const error = await refusal(register('disabled'), 'SyntaxError');
    assert.equal(error.message, 'status is disabled');
    assert.equal(error.result.status, 'disabled');
    await refusal(hub.get('disabled'), 'DeviceNotFoundError');
});

test('an enrolment writes the first twin', async (t) => {
    await enrol('twinned', { initialTwin: { tags: { site: 'north' }, properties: { desired: { rate: 5 } } } });
    const opened = await use(t, await register('twinned'));
    const twin = await opened.getTwin();
    assert.equal(twin.properties.desired.rate, 5);
    assert.equal((await hub.getTwin('twinned')).responseBody.tags.site, 'north');
});

test('registered again, a device keeps its identity', async () => {
    await enrol('again');
    const first = await register('again');
    const { responseBody: before } = await hub.get('again');
    const second = await register('again');
    assert.deepEqual([second.assignedHub, second.deviceId], [first.assignedHub, first.deviceId]);
    assert.equal((await hub.get('again')).responseBody.generationId, before.generationId);
});

test('a payload goes along', async () => {
    await enrol('payload');
    const state = await register('payload', KEY, { payload: { modelId: 'dtmi:com:example:Thermostat;1' } });
    assert.equal(state.status, 'assigned');
});

test('enrolments are read, changed and deleted', async () => {
    const made = await enrol('kept', { deviceId: 'kept-device' });
    const { responseBody: got } = await enrolments.getIndividualEnrollment('kept');
    assert.deepEqual([got.registrationId, got.deviceId, got.provisioningStatus], ['kept', 'kept-device', 'enabled']);
    assert.equal(got.etag, made.etag);
    got.provisioningStatus = 'disabled';
    const { responseBody: changed } = await enrolments.createOrUpdateIndividualEnrollment(got);
    assert.equal(changed.provisioningStatus, 'disabled');
    assert.notEqual(changed.etag, made.etag);
    await refusal(enrolments.createOrUpdateIndividualEnrollment(got), 'InvalidEtagError');
    await enrolments.deleteIndividualEnrollment('kept');
    const error = await refusal(enrolments.getIndividualEnrollment('kept'), 'Error');
    assert.equal(error.response.statusCode, 404);
});

test('the keys of an enrolment are told when asked for', async () => {
    await enrol('asked');
    const { responseBody } = await enrolments.getIndividualEnrollmentAttestationMechanism('asked');
    assert.deepEqual(responseBody.symmetricKey, { primaryKey: KEY, secondaryKey: OTHER_KEY });
});

test('an enrolment without keys gets some', async () => {
    await enrolments.createOrUpdateIndividualEnrollment({ registrationId: 'keyless', attestation: attestation('', '') });
    const { responseBody } = await enrolments.getIndividualEnrollmentAttestationMechanism('keyless');
    const key = responseBody.symmetricKey.primaryKey;
    assert.ok(Buffer.from(key, 'base64').length >= 16);
    assert.equal((await register('keyless', key)).status, 'assigned');
});

test('the state of a registration is told to the service', async () => {
    await enrol('told');
    await register('told');
    const { responseBody: state } = await enrolments.getDeviceRegistrationState('told');
    assert.deepEqual([state.registrationId, state.status, state.deviceId, state.assignedHub],
        ['told', 'assigned', 'told', endpoints.host]);
});

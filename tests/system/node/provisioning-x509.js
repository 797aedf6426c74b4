// SPDX-License-Identifier: Apache-2.0

// azure-iot-provisioning-device with certificates, and the hub that its device then connects to with the same one.

'use strict';

const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { Mqtt, MqttWs } = require('azure-iot-provisioning-device-mqtt');
const { ProvisioningServiceClient } = require('azure-iot-provisioning-service');
const { X509Security } = require('azure-iot-security-x509');
const { certify } = require('./certificates');
const { test, assert, refusal, sideBySide } = require('./harness');
const { client, endpoints, monitor, policy, registry, settled } = require('./devhub');

sideBySide(6); // each waits some seconds, as the service bids it

const enrolments = ProvisioningServiceClient.fromConnectionString(policy('provisioningserviceowner'));
const root = certify('provisioning-root', { ca: true });
const intermediate = certify('provisioning-intermediate', { ca: true, by: root });

async function enrol(registrationId, { own }, more = {}) {
    const attestation = { type: 'x509', x509: { clientCertificates: { primary: { certificate: own } } } };
    return (await enrolments.createOrUpdateIndividualEnrollment({ registrationId, attestation, ...more })).responseBody;
}

async function enrolGroup(enrollmentGroupId, { own }) {
    const attestation = { type: 'x509', x509: { signingCertificates: { primary: { certificate: own } } } };
    return (await enrolments.createOrUpdateEnrollmentGroup({ enrollmentGroupId, attestation })).responseBody;
}

const fleet = enrolGroup('fleet', root);

function register(registrationId, { cert, key }, Transport = Mqtt) {
    const security = new X509Security(registrationId, { cert, key });
    return ProvisioningDeviceClient.create(endpoints.host, endpoints.id_scope, new Transport(), security).register();
}

// Connects with what was assigned and the certificate, and sends.
async function use(t, { assignedHub, deviceId }, { cert, key }) {
    const opened = await client(t, `HostName=${assignedHub};DeviceId=${deviceId};x509=true`, { cert, key });
    await opened.open();
    await settled(opened);
    const [seen] = monitor(deviceId);
    assert.equal(JSON.parse(seen.system['iothub-connection-auth-method']).type, 'x509');
}

test('an individual enrolment by certificate is assigned, and its device comes in', async (t) => {
    const own = certify('certified');
    await enrol('certified', own, { deviceId: 'certified-device' });
    const state = await register('certified', own);
    assert.deepEqual([state.status, state.substatus, state.deviceId],
        ['assigned', 'initialAssignment', 'certified-device']);
    assert.equal(state.x509.certificateInfo.subjectName, 'CN=certified');
    await use(t, state, own);
    const { responseBody: device } = await registry().get('certified-device');
    assert.equal(device.authentication.type, 'selfSigned');
});

test('a device of a group is assigned by the chain it sends, and comes in', async (t) => {
    await fleet;
    const leaf = certify('of-the-fleet', { by: intermediate });
    const state = await register('of-the-fleet', leaf);
    assert.deepEqual([state.status, state.deviceId, state.x509.enrollmentGroupId], ['assigned', 'of-the-fleet', 'fleet']);
    await use(t, state, leaf);
});

test('over WebSocket', async (t) => {
    await fleet;
    const leaf = certify('by-socket', { by: intermediate });
    const state = await register('by-socket', leaf, MqttWs);
    assert.equal(state.status, 'assigned');
    await use(t, state, leaf);
});

test('a certificate of a stranger is told unauthorized', async () => {
    const stranger = certify('provisioning-stranger', { ca: true });
    await fleet;
    await refusal(register('strange', certify('strange', { by: stranger })), 'UnauthorizedError');
});

test('a certificate of another name is told unauthorized', async () => {
    await fleet;
    await refusal(register('named', certify('provisioning-misnamed', { by: intermediate })), 'UnauthorizedError');
});

test('an enrolment tells of its certificate, and keeps it when it is changed', async () => {
    const own = certify('told-of');
    const made = await enrol('told-of', own);
    assert.equal(made.attestation.x509.clientCertificates.primary.info.subjectName, 'CN=told-of');
    const { responseBody: got } = await enrolments.getIndividualEnrollment('told-of');
    got.provisioningStatus = 'disabled';
    await enrolments.createOrUpdateIndividualEnrollment(got);
    await refusal(register('told-of', own), 'SyntaxError');
    got.etag = (await enrolments.getIndividualEnrollment('told-of')).responseBody.etag;
    got.provisioningStatus = 'enabled';
    await enrolments.createOrUpdateIndividualEnrollment(got);
    assert.equal((await register('told-of', own)).status, 'assigned');
});

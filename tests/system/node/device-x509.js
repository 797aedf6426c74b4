// SPDX-License-Identifier: Apache-2.0

// azure-iot-device that proves by a certificate who it is.

'use strict';

const crypto = require('node:crypto');
const path = require('node:path');
const { NoRetry } = require('azure-iot-common');
const { MqttWs } = require('azure-iot-device-mqtt');
const { certify, folder } = require('./certificates');
const { test, assert, refusal } = require('./harness');
const { client, command, create, endpoints, monitor, registry, serviceClient, settled } = require('./devhub');

const hub = registry();
function thumbprint({ own }, digest = 'sha1') {
    return crypto.createHash(digest).update(new crypto.X509Certificate(own).raw).digest('hex').toUpperCase();
}

function selfSigned(deviceId, primaryThumbprint, secondaryThumbprint = primaryThumbprint) {
    return hub.create({ deviceId, authentication: { x509Thumbprint: { primaryThumbprint, secondaryThumbprint } } });
}

// The client of the device, with this certificate.
async function bearer(t, deviceId, { cert, key }, Transport) {
    const connectionString = `HostName=${endpoints.host};DeviceId=${deviceId};x509=true`;
    const opened = await client(t, connectionString, { cert, key }, Transport);
    opened.setRetryPolicy(new NoRetry());
    return opened;
}

const own = certify('own');
const other = certify('other');
const root = certify('root', { ca: true });
const intermediate = certify('intermediate', { ca: true, by: root });

test('by thumbprint, and its events say so', async (t) => {
    const { responseBody } = await selfSigned('by-thumbprint', thumbprint(own));
    assert.equal(responseBody.authentication.type, 'selfSigned');
    const opened = await bearer(t, 'by-thumbprint', own);
    await opened.open();
    await settled(opened);
    const [seen] = monitor('by-thumbprint');
    const method = JSON.parse(seen.system['iothub-connection-auth-method']);
    assert.deepEqual([method.scope, method.type], ['device', 'x509']);
});

test('by the secondary thumbprint, of SHA-256', async (t) => {
    await selfSigned('by-secondary', thumbprint(other, 'sha256'), thumbprint(own, 'sha256'));
    const opened = await bearer(t, 'by-secondary', own);
    await opened.open();
    await settled(opened);
});

test('another certificate is told unauthorized', async (t) => {
    await selfSigned('guarded', thumbprint(own));
    await refusal((await bearer(t, 'guarded', other)).open(), 'UnauthorizedError');
});

test('a certificate does not open a device that has keys', async (t) => {
    create('keyed');
    await refusal((await bearer(t, 'keyed', own)).open(), 'UnauthorizedError');
});

test('by authority, over an intermediate one', async (t) => {
    command('ca', 'add', 'root', path.join(folder, 'root.pem'));
    await hub.create({ deviceId: 'by-authority', authentication: { type: 'certificateAuthority' } });
    const leaf = certify('by-authority', { by: intermediate });
    const opened = await bearer(t, 'by-authority', leaf);
    await opened.open();
    await settled(opened);
    assert.equal((await hub.getTwin('by-authority')).responseBody.authenticationType, 'certificateAuthority');
});

test('by authority, another name is told unauthorized', async (t) => {
    await hub.create({ deviceId: 'named', authentication: { type: 'certificateAuthority' } });
    await refusal((await bearer(t, 'named', certify('misnamed', { by: intermediate }))).open(), 'UnauthorizedError');
});

test('by authority, one that the hub does not know is told unauthorized', async (t) => {
    await hub.create({ deviceId: 'foreign', authentication: { type: 'certificateAuthority' } });
    const stranger = certify('stranger', { ca: true });
    await refusal((await bearer(t, 'foreign', certify('foreign', { by: stranger }))).open(), 'UnauthorizedError');
});

test('over WebSocket', async (t) => {
    await selfSigned('by-websocket', thumbprint(own));
    const opened = await bearer(t, 'by-websocket', own, MqttWs);
    await opened.open();
    await settled(opened);
    assert.equal(monitor('by-websocket').length, 1);
});

test('methods and twin as with a key', async (t) => {
    await selfSigned('able', thumbprint(own));
    const opened = await bearer(t, 'able', own);
    await opened.open();
    opened.onDeviceMethod('mirror', (request, response) => response.send(200, request.payload));
    const twin = await opened.getTwin();
    assert.deepEqual(twin.properties.desired, { $version: 1 });
    const { result } = await serviceClient(t).invokeDeviceMethod('able', { methodName: 'mirror', payload: 7 });
    assert.deepEqual(result, { status: 200, payload: 7 });
});

// SPDX-License-Identifier: Apache-2.0

// azure-iothub's Registry over HTTPS: identities.

'use strict';

const { promisify } = require('node:util');
const { NoRetry } = require('azure-iot-common');
const { test, assert, refusal } = require('./harness');
const { OWNER, registry, client, policy } = require('./devhub');

const hub = registry();
const NEVER = '0001-01-01T00:00:00Z';
const OTHER_KEY = Buffer.alloc(32, 'o').toString('base64');

async function made(info) {
    return (await hub.create(typeof info === 'string' ? { deviceId: info } : info)).responseBody;
}

async function got(id) {
    return (await hub.get(id)).responseBody;
}

test('create returns the record with keys made by the hub', async () => {
    const { responseBody: device, httpResponse } = await hub.create({ deviceId: 'new' });
    assert.equal(httpResponse.statusCode, 200);
    assert.equal(device.constructor.name, 'Device');
    assert.equal(device.deviceId, 'new');
    assert.equal(device.status, 'enabled');
    assert.equal(device.connectionState, 'Disconnected');
    assert.equal(device.cloudToDeviceMessageCount, 0);
    assert.equal(device.lastActivityTime, NEVER);
    assert.equal(device.authentication.type, 'sas');
    const { primaryKey, secondaryKey } = device.authentication.symmetricKey;
    for (const key of [primaryKey, secondaryKey])
        assert.equal(Buffer.from(key, 'base64').length, 32, key);
    assert.notEqual(primaryKey, secondaryKey);
    assert.match(device.generationId, /./);
    assert.doesNotMatch(device.etag, /"/);
});

test('create takes the keys and the status that were given', async () => {
    const symmetricKey = { primaryKey: OTHER_KEY, secondaryKey: Buffer.alloc(16, 's').toString('base64') };
    await made({ deviceId: 'given', status: 'disabled', statusReason: 'not yet', authentication: { symmetricKey } });
    const device = await got('given');
    assert.deepEqual(device.authentication.symmetricKey, symmetricKey);
    assert.equal(device.status, 'disabled');
    assert.equal(device.statusReason, 'not yet');
});

test('create of what exists is refused', async () => {
    await made('twin-brother');
    const error = await refusal(made('twin-brother'), 'DeviceAlreadyExistsError');
    assert.equal(error.response.statusCode, 409);
    assert.equal(error.response.headers['iothub-errorcode'], 'DeviceAlreadyExists');
});

test('create with a bad id is refused', async () => {
    const error = await refusal(made('a b'), 'ArgumentError');
    assert.equal(error.response.statusCode, 400);
});

test('create with a bad key is refused', async () => {
    const authentication = { symmetricKey: { primaryKey: 'not base64!', secondaryKey: OTHER_KEY } };
    await refusal(made({ deviceId: 'bad-key', authentication }), 'ArgumentError');
    await refusal(got('bad-key'), 'DeviceNotFoundError');
});

test('trap 24: ids are told apart by case', async () => {
    await made('Case');
    await refusal(got('case'), 'DeviceNotFoundError');
    await made('case');
    assert.notEqual((await got('case')).generationId, (await got('Case')).generationId);
});

test('an odd id is created, found and deleted', async () => {
    const id = "A-b:c.d%41_e*f!(g),h=i@j$k'l#+?";
    await made(id);
    assert.equal((await got(id)).deviceId, id);
    await hub.delete(id);
    await refusal(got(id), 'DeviceNotFoundError');
});

test('get of an unknown device names the error', async () => {
    const error = await refusal(got('nobody'), 'DeviceNotFoundError');
    assert.equal(error.response.headers['iothub-errorcode'], 'DeviceNotFound');
});

test('trap 36: devices with a slash: list has all', async () => {
    await made('list-1');
    await made('list-2');
    const { responseBody: all } = await hub.list();
    const found = all.filter((device) => device.deviceId.startsWith('list-'));
    assert.deepEqual(found.map((device) => device.deviceId).sort(), ['list-1', 'list-2']);
    assert.match(found[0].authentication.symmetricKey.primaryKey, /=$/);
});

test('update with all of what was got changes the status and keeps the keys', async () => {
    const before = await made('updated');
    before.status = 'disabled';
    before.statusReason = 'stolen';
    const { responseBody: after } = await hub.update(before);
    assert.equal(after.status, 'disabled');
    assert.equal(after.statusReason, 'stolen');
    assert.notEqual(after.etag, before.etag);
    assert.deepEqual(after.authentication.symmetricKey, before.authentication.symmetricKey);
    assert.equal(after.generationId, before.generationId);
});

test('trap 37: update without keys makes new ones', async () => {
    const before = await made('rotated');
    await hub.update({ deviceId: 'rotated', status: 'enabled' });
    const after = await got('rotated');
    assert.notEqual(after.authentication.symmetricKey.primaryKey, before.authentication.symmetricKey.primaryKey);
    assert.equal(Buffer.from(after.authentication.symmetricKey.primaryKey, 'base64').length, 32);
});

test('update of an unknown device is refused', async () => {
    await refusal(hub.update({ deviceId: 'never-made', status: 'enabled' }), 'DeviceNotFoundError');
});

test('a key given by update opens the device, the old one does not', async (t) => {
    const device = await made('rekeyed');
    const connection = (key) => `HostName=${OWNER.match(/HostName=([^;]+)/)[1]};DeviceId=rekeyed;SharedAccessKey=${key}`;
    const old = device.authentication.symmetricKey.primaryKey;
    device.authentication.symmetricKey.primaryKey = OTHER_KEY;
    await hub.update(device);
    await refusal((await client(t, connection(old))).open(), 'UnauthorizedError');
    await (await client(t, connection(OTHER_KEY))).open();
});

test('a device that connects is told as connected, and as gone', async (t) => {
    const device = await made('seen');
    const host = OWNER.match(/HostName=([^;]+)/)[1];
    const key = device.authentication.symmetricKey.primaryKey;
    const opened = await client(t, `HostName=${host};DeviceId=seen;SharedAccessKey=${key}`);
    await opened.open();
    const during = await got('seen');
    assert.equal(during.connectionState, 'Connected');
    assert.notEqual(during.lastActivityTime, NEVER);
    assert.equal((await hub.getRegistryStatistics()).responseBody.disabledDeviceCount >= 0, true);
    await opened.close();
    assert.equal((await got('seen')).connectionState, 'Disconnected');
});

test('a disabled device is cut off and kept out', async (t) => {
    const device = await made('locked-out');
    const host = OWNER.match(/HostName=([^;]+)/)[1];
    const connection = `HostName=${host};DeviceId=locked-out;SharedAccessKey=${device.authentication.symmetricKey.primaryKey}`;
    const opened = await client(t, connection);
    opened.setRetryPolicy(new NoRetry());
    const gone = new Promise((resolve) => opened.on('disconnect', resolve));
    await opened.open();
    device.status = 'disabled';
    await hub.update(device);
    await gone;
    await refusal((await client(t, connection)).open(), 'UnauthorizedError');
});

test('delete, and the device is unknown', async () => {
    await made('deleted');
    const { httpResponse } = await hub.delete('deleted');
    assert.equal(httpResponse.statusCode, 204);
    await refusal(got('deleted'), 'DeviceNotFoundError');
    await refusal(hub.delete('deleted'), 'DeviceNotFoundError');
});

test('created again, a device is another one', async () => {
    const first = await made('reborn');
    await hub.delete('reborn');
    const second = await made('reborn');
    assert.notEqual(second.generationId, first.generationId);
    assert.notEqual(second.authentication.symmetricKey.primaryKey, first.authentication.symmetricKey.primaryKey);
});

test('statistics count the enabled and the disabled', async () => {
    const { responseBody: before } = await hub.getRegistryStatistics();
    await made('counted-1');
    await made({ deviceId: 'counted-2', status: 'disabled' });
    const { responseBody: after } = await hub.getRegistryStatistics();
    assert.equal(after.totalDeviceCount, before.totalDeviceCount + 2);
    assert.equal(after.enabledDeviceCount, before.enabledDeviceCount + 1);
    assert.equal(after.disabledDeviceCount, before.disabledDeviceCount + 1);
});

test('a wrong key is told unauthorized', async () => {
    const stranger = registry(OWNER.replace(/SharedAccessKey=.*/, `SharedAccessKey=${OTHER_KEY}`));
    const error = await refusal(stranger.get('new'), 'UnauthorizedError');
    assert.equal(error.response.statusCode, 401);
    assert.match(error.response.headers['iothub-errorcode'], /^IotHubUnauthorized/);
});

test('a policy that reads may not write', async () => {
    const reader = registry(policy('registryRead'));
    assert.equal((await reader.get('new')).responseBody.deviceId, 'new');
    await refusal(reader.create({ deviceId: 'by-a-reader' }), 'UnauthorizedError');
    await refusal(reader.delete('new'), 'UnauthorizedError');
});

test('a policy without the registry may not read', async () => {
    await refusal(registry(policy('device')).get('new'), 'UnauthorizedError');
});

test('trap 38: importMode in any case: many are added, updated and removed at once', async () => {
    const { responseBody: added } = await hub.addDevices([{ deviceId: 'bulk-1' }, { deviceId: 'bulk-2' }]);
    assert.deepEqual([added.isSuccessful, added.errors], [true, []]);
    const before = await got('bulk-1');
    assert.equal(Buffer.from(before.authentication.symmetricKey.primaryKey, 'base64').length, 32);
    before.status = 'disabled';
    const { responseBody: updated } = await hub.updateDevices([before], true);
    assert.equal(updated.isSuccessful, true);
    assert.equal((await got('bulk-1')).status, 'disabled');
    assert.equal((await got('bulk-2')).status, 'enabled');
    const both = [{ deviceId: 'bulk-1' }, { deviceId: 'bulk-2' }];
    assert.equal((await hub.removeDevices(both, true)).responseBody.isSuccessful, true);
    await refusal(got('bulk-1'), 'DeviceNotFoundError');
    await refusal(got('bulk-2'), 'DeviceNotFoundError');
});

test('trap 50: of many, one that exists is told and the others are made', async () => {
    await made('there');
    let told;
    try {
        told = (await hub.addDevices([{ deviceId: 'there' }, { deviceId: 'not-there' }])).responseBody;
    } catch (error) {
        told = JSON.parse(error.responseBody);
    }
    assert.equal(told.isSuccessful, false);
    assert.deepEqual(told.errors.map((error) => error.deviceId), ['there']);
    assert.match(String(told.errors[0].errorCode), /409001|DeviceAlreadyExists/);
    assert.equal((await got('not-there')).deviceId, 'not-there');
});

test('trap 35: with quotes around the etag: an outdated bulk update is refused', async () => {
    const old = await made('raced');
    await hub.update({ ...JSON.parse(JSON.stringify(old)), statusReason: 'first' });
    old.statusReason = 'second';
    let told;
    try {
        told = (await hub.updateDevices([old], false)).responseBody;
    } catch (error) {
        told = JSON.parse(error.responseBody);
    }
    assert.equal(told.isSuccessful, false);
    assert.equal((await got('raced')).statusReason, 'first');
});

test('modules are added, listed, updated and removed', async () => {
    await made('carrier');
    const { responseBody: module } = await hub.addModule({ deviceId: 'carrier', moduleId: 'meter', managedBy: 'me' });
    assert.deepEqual([module.deviceId, module.moduleId, module.managedBy], ['carrier', 'meter', 'me']);
    assert.equal(Buffer.from(module.authentication.symmetricKey.primaryKey, 'base64').length, 32);
    await hub.addModule({ deviceId: 'carrier', moduleId: 'valve' });
    const { responseBody: all } = await hub.getModulesOnDevice('carrier');
    assert.deepEqual(all.map((one) => one.moduleId).sort(), ['meter', 'valve']);
    module.managedBy = 'you';
    await hub.updateModule(module, true);
    assert.equal((await hub.getModule('carrier', 'meter')).responseBody.managedBy, 'you');
    await hub.removeModule('carrier', 'meter');
    const error = await refusal(hub.getModule('carrier', 'meter'), 'Error');
    assert.equal(error.response.statusCode, 404);
});

test('trap 35: an outdated etag does not update or remove a module', async () => {
    await made('carrier-2');
    const { responseBody: old } = await hub.addModule({ deviceId: 'carrier-2', moduleId: 'meter' });
    const { responseBody: fresh } = await hub.updateModule({ ...old, managedBy: 'first' }, false);
    await refusal(hub.updateModule({ ...old, managedBy: 'second' }, false), 'InvalidEtagError');
    const remove = promisify((module, done) => hub.removeModule(module, done));
    await refusal(remove(old), 'InvalidEtagError');
    await remove(fresh);
});

test('a module that exists or has no device is refused', async () => {
    await made('carrier-3');
    await hub.addModule({ deviceId: 'carrier-3', moduleId: 'meter' });
    await refusal(hub.addModule({ deviceId: 'carrier-3', moduleId: 'meter' }), 'DeviceAlreadyExistsError');
    await refusal(hub.addModule({ deviceId: 'no-carrier', moduleId: 'meter' }), 'DeviceNotFoundError');
});

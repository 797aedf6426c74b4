// SPDX-License-Identifier: Apache-2.0

// Twins between azure-iot-device over MQTT and azure-iothub over HTTPS.

'use strict';

const { test, assert, event, refusal, until } = require('./harness');
const { client, create, device, policy, registry, settled } = require('./devhub');

const hub = registry();

async function seen(id) {
    return (await hub.getTwin(id)).responseBody;
}

async function desire(id, desired, etag = '*') {
    return (await hub.updateTwin(id, { properties: { desired } }, etag)).responseBody;
}

function report(twin, patch) {
    return new Promise((resolve, reject) =>
        twin.properties.reported.update(patch, (error) => error ? reject(error) : resolve()));
}

// A device and its twin that hears of desired properties.
async function listener(t, id, options) {
    const opened = await device(t, id, options);
    const twin = await opened.getTwin();
    return { opened, twin };
}

// Waits for a delta that holds the name: the first event is the whole section, which the SDK tells by itself.
function delta(twin, name) {
    return new Promise((resolve) => twin.on('properties.desired', (patch) => {
        if (name in patch)
            resolve(structuredClone(patch));
    }));
}

test('a new twin is empty, at version 1', async (t) => {
    const { twin } = await listener(t, 'fresh');
    assert.deepEqual(twin.properties.desired, { $version: 1 });
    assert.equal(twin.properties.reported.$version, 1);
});

test('a new twin as the service sees it', async () => {
    create('unseen');
    const twin = await seen('unseen');
    assert.equal(twin.deviceId, 'unseen');
    assert.equal(twin.etag, 'AAAAAAAAAAE=');
    assert.equal(twin.version, 2);
    assert.equal(twin.status, 'enabled');
    assert.equal(twin.connectionState, 'Disconnected');
    assert.equal(twin.authenticationType, 'sas');
    assert.deepEqual(twin.tags, {});
    for (const section of [twin.properties.desired, twin.properties.reported]) {
        assert.equal(section.$version, 1);
        assert.match(section.$metadata.$lastUpdated, /^0001-01-01T00:00:00(\.0+)?Z$/);
    }
});

test('what the device reports is seen by the service', async (t) => {
    const { twin } = await listener(t, 'reporter');
    await report(twin, { firmware: { version: '1.2', hash: null }, temperature: 21.5 });
    const { reported } = (await seen('reporter')).properties;
    assert.deepEqual(reported.firmware, { version: '1.2' });
    assert.equal(reported.temperature, 21.5);
    assert.equal(reported.$version, 2);
    assert.match(reported.$metadata.$lastUpdated, /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/);
    assert.match(reported.$metadata.firmware.version.$lastUpdated, /\.\d{7}Z$/);
});

test('reports are merged, and null deletes', async (t) => {
    const { opened, twin } = await listener(t, 'merger');
    await report(twin, { a: { b: 1, c: 2 }, list: [1, 2, 3], gone: true });
    await report(twin, { a: { c: null, d: 4 }, list: [4], gone: null });
    const { reported } = (await seen('merger')).properties;
    delete reported.$metadata;
    assert.deepEqual(reported, { a: { b: 1, d: 4 }, list: [4], $version: 3 });
    await twin.get();
    assert.equal(twin.properties.reported.$version, 3);
    assert.deepEqual(twin.properties.reported.a, { b: 1, d: 4 });
    await opened.close();
});

test('ten reports one after the other count ten versions', async (t) => {
    const { twin } = await listener(t, 'counter');
    for (let n = 1; n <= 10; n++)
        await report(twin, { n });
    const { reported } = (await seen('counter')).properties;
    assert.deepEqual([reported.n, reported.$version], [10, 11]);
});

// Over MQTT the SDK makes an Error of what the hub says, whatever its number.
test('trap 20: a report with $version is refused', async (t) => {
    const { twin } = await listener(t, 'versioned');
    assert.match((await refusal(report(twin, { $version: 7, a: 1 }), 'Error')).message, /\$version/);
    assert.equal((await seen('versioned')).properties.reported.$version, 1);
});

test('a report that is no object is refused', async (t) => {
    const { twin } = await listener(t, 'no-object');
    await refusal(report(twin, [1, 2]), 'Error');
});

test('a report with a bad name is refused', async (t) => {
    const { twin } = await listener(t, 'bad-name');
    for (const patch of [{ 'a.b': 1 }, { 'a b': 1 }, { $c: 1 }])
        await refusal(report(twin, patch), 'Error');
    assert.equal((await seen('bad-name')).properties.reported.$version, 1);
});

test('a report beyond the size is refused and changes nothing', async (t) => {
    const { twin } = await listener(t, 'too-much');
    const big = Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`p${n}`, 'x'.repeat(4000)]));
    await assert.rejects(report(twin, big));
    await report(twin, { small: 1 });
    const { reported } = (await seen('too-much')).properties;
    assert.deepEqual([reported.small, reported.p0, reported.$version], [1, undefined, 2]);
});

test('a desired change arrives as a delta with its version', async (t) => {
    const { opened, twin } = await listener(t, 'wisher');
    const arrival = delta(twin, 'fan');
    await settled(opened);
    const answered = await desire('wisher', { fan: 'on', deep: { er: 1 } });
    assert.deepEqual(await arrival, { fan: 'on', deep: { er: 1 }, $version: 2 });
    assert.equal(answered.properties.desired.$version, 2);
    assert.equal(answered.properties.desired.$metadata.fan.$lastUpdatedVersion, 2);
    assert.equal(twin.properties.desired.$version, 2);
});

test('a delta holds what changed, and null for what is gone', async (t) => {
    const { opened, twin } = await listener(t, 'nuller');
    await desire('nuller', { a: 1, b: { c: 2, d: 3 } });
    const arrival = delta(twin, 'gone');
    await settled(opened);
    await desire('nuller', { b: { c: null }, gone: null, more: 1 });
    const patch = await arrival;
    assert.deepEqual(patch, { b: { c: null }, gone: null, more: 1, $version: 3 });
    await twin.get();
    assert.deepEqual((await seen('nuller')).properties.desired.b, { d: 3 });
});

test('a listener of one path is told of it', async (t) => {
    const { opened, twin } = await listener(t, 'path');
    const arrival = event(twin, 'properties.desired.climate.minimum');
    await settled(opened);
    await desire('path', { climate: { minimum: 18, maximum: 24 } });
    assert.equal(await arrival, 18);
});

test('deltas arrive in the order of their versions', async (t) => {
    const { opened, twin } = await listener(t, 'sequence');
    const versions = [];
    twin.on('properties.desired', (patch) => versions.push(patch.$version));
    await settled(opened);
    for (let n = 0; n < 5; n++)
        await desire('sequence', { n });
    await until(() => versions.at(-1) === 6, 'the last version');
    assert.deepEqual(versions.filter((version) => version > 1), [2, 3, 4, 5, 6]);
});

test('trap 18: what changed while the device was away is found by asking', async (t) => {
    const { opened, twin } = await listener(t, 'absent');
    await opened.close();
    await desire('absent', { missed: 1 });
    await opened.open();
    await twin.get();
    assert.equal(twin.properties.desired.missed, 1);
    assert.equal(twin.properties.desired.$version, 2);
});

test('after a reconnect deltas arrive again', async (t) => {
    const { opened, twin } = await listener(t, 'returner');
    const arrival = delta(twin, 'back');
    await settled(opened);
    await opened.close();
    await opened.open();
    await settled(opened);
    await desire('returner', { back: 1 });
    assert.equal((await arrival).back, 1);
});

test('tags are for the service alone', async (t) => {
    const { twin } = await listener(t, 'tagged');
    const { responseBody } = await hub.updateTwin('tagged', { tags: { room: 'cellar', floor: -1 } }, '*');
    assert.deepEqual(responseBody.tags, { room: 'cellar', floor: -1 });
    await twin.get();
    assert.equal(twin.tags, undefined);
    assert.deepEqual(twin.properties.desired, { $version: 1 });
    await hub.updateTwin('tagged', { tags: { floor: null } }, '*');
    assert.deepEqual((await seen('tagged')).tags, { room: 'cellar' });
});

test('trap 35: an outdated etag does not change a twin', async () => {
    create('etagged');
    const old = await seen('etagged');
    const fresh = await desire('etagged', { n: 1 }, old.etag);
    assert.notEqual(fresh.etag, old.etag);
    const error = await refusal(desire('etagged', { n: 2 }, old.etag), 'InvalidEtagError');
    assert.equal(error.response.statusCode, 412);
    await desire('etagged', { n: 3 }, fresh.etag);
    assert.equal((await seen('etagged')).properties.desired.n, 3);
});

test('a Twin object updates itself with its etag', async () => {
    create('object');
    const { responseBody: twin } = await hub.getTwin('object');
    await twin.update({ properties: { desired: { n: 1 } } });
    await twin.update({ properties: { desired: { n: 2 } } });
    assert.equal(twin.properties.desired.n, 2);
    await desire('object', { n: 3 });
    await refusal(twin.update({ properties: { desired: { n: 4 } } }), 'InvalidEtagError');
});

test('trap 51: versions begin anew with a device made anew', async () => {
    create('phoenix');
    await desire('phoenix', { n: 1 });
    await desire('phoenix', { n: 2 });
    await hub.delete('phoenix');
    create('phoenix');
    const { desired } = (await seen('phoenix')).properties;
    assert.deepEqual([desired.n, desired.$version], [undefined, 1]);
});

test('the model that a device announced stands in its twin', async (t) => {
    await listener(t, 'modelled', { modelId: 'dtmi:com:example:Thermostat;1' });
    const twin = await seen('modelled');
    assert.equal(twin.modelId, 'dtmi:com:example:Thermostat;1');
    assert.equal(twin.connectionState, 'Connected');
});

test('the twin of an unknown device is refused', async () => {
    await refusal(seen('nobody'), 'DeviceNotFoundError');
    await refusal(desire('nobody', { a: 1 }), 'DeviceNotFoundError');
});

test('a desired section that is not allowed is refused', async () => {
    create('strict');
    const nested = (depth) => depth ? { deeper: nested(depth - 1) } : 1;
    for (const desired of [{ 'a.b': 1 }, { $a: 1 }, nested(12), { text: 'x'.repeat(4097) }])
        await refusal(desire('strict', desired), 'ArgumentError');
    assert.equal((await seen('strict')).properties.desired.$version, 1);
    await desire('strict', nested(10));
});

test('a policy with ServiceConnect alone updates twins', async () => {
    create('by-service');
    const service = registry(policy('service'));
    await service.updateTwin('by-service', { tags: { by: 'service' } }, '*');
    assert.equal((await seen('by-service')).tags.by, 'service');
});

test('a module has a twin of its own', async (t) => {
    create('carrier');
    const opened = await client(t, create('carrier/meter'));
    await opened.open();
    const twin = await opened.getTwin();
    const arrival = delta(twin, 'rate');
    await settled(opened);
    await hub.updateModuleTwin('carrier', 'meter', { properties: { desired: { rate: 5 } } }, '*');
    assert.deepEqual(await arrival, { rate: 5, $version: 2 });
    await report(twin, { rate: 5 });
    const { responseBody: module } = await hub.getModuleTwin('carrier', 'meter');
    assert.equal(module.moduleId, 'meter');
    assert.equal(module.properties.reported.rate, 5);
    assert.equal((await seen('carrier')).properties.desired.$version, 1);
});

// SPDX-License-Identifier: Apache-2.0

// azure-iothub's queries over twins.

'use strict';

const { test, assert, refusal } = require('./harness');
const { create, device, policy, registry } = require('./devhub');

const hub = registry();

async function tagged(id, tags, desired = {}) {
    create(id);
    await hub.updateTwin(id, { tags, properties: { desired } }, '*');
}

// All pages: [the rows of each]. next() as a promise begins anew unless it is told where it was.
async function pages(sql, size, next = 'nextAsTwin') {
    const query = hub.createQuery(sql, size);
    const all = [];
    while (query.hasMoreResults)
        all.push((await query[next](query.continuationToken)).result);
    return all;
}

async function ids(sql) {
    return (await pages(sql)).flat().map((twin) => twin.deviceId).sort();
}

test('twins come page by page', async () => {
    for (let n = 0; n < 7; n++)
        await tagged(`paged-${n}`, { page: 'yes' });
    const all = await pages("SELECT * FROM devices WHERE tags.page = 'yes'", 3);
    assert.deepEqual(all.map((page) => page.length), [3, 3, 1]);
    assert.deepEqual(all.flat().map((twin) => twin.deviceId).sort(), Array.from({ length: 7 }, (_, n) => `paged-${n}`));
});

test('a twin that was found can be changed', async () => {
    await tagged('found', { find: 'me' });
    const [[twin]] = await pages("SELECT * FROM devices WHERE tags.find = 'me'");
    assert.equal(twin.constructor.name, 'Twin');
    await twin.update({ tags: { find: null, was: 'found' } });
    assert.deepEqual((await hub.getTwin('found')).responseBody.tags, { was: 'found' });
});

test('conditions on tags and desired properties', async () => {
    await tagged('north-1', { site: 'north', floor: 1 }, { rate: 5 });
    await tagged('north-2', { site: 'north', floor: 2 }, { rate: 10 });
    await tagged('south-1', { site: 'south', floor: 1 }, { rate: 20 });
    assert.deepEqual(await ids("SELECT * FROM devices WHERE tags.site = 'north' AND tags.floor > 1"), ['north-2']);
    assert.deepEqual(await ids('SELECT * FROM devices WHERE properties.desired.rate >= 10'), ['north-2', 'south-1']);
    assert.deepEqual(await ids("SELECT * FROM devices WHERE tags.site IN ['south', 'west']"), ['south-1']);
    assert.deepEqual(await ids("SELECT * FROM devices WHERE is_defined(tags.site) AND NOT tags.floor = 1"), ['north-2']);
});

test('who is connected, and of which model', async (t) => {
    await device(t, 'modelled', { modelId: 'dtmi:com:example:Thermostat;1' });
    create('not-connected');
    assert.deepEqual(await ids("SELECT * FROM devices WHERE connectionState = 'Connected'"), ['modelled']);
    assert.deepEqual(await ids("SELECT * FROM devices WHERE modelId = 'dtmi:com:example:Thermostat;1'"), ['modelled']);
});

test('rows may be had as they are', async () => {
    await tagged('row', { row: 1 }, { a: 1 });
    const [[row]] = await pages('SELECT * FROM devices WHERE is_defined(tags.row)', 10, 'next');
    assert.equal(row.constructor, Object);
    assert.deepEqual([row.deviceId, row.tags, row.properties.desired.a, row.status], ['row', { row: 1 }, 1, 'enabled']);
});

test('modules have a collection of their own', async () => {
    create('carrier');
    create('carrier/meter');
    const all = (await pages("SELECT * FROM devices.modules WHERE moduleId = 'meter'")).flat();
    assert.deepEqual(all.map((twin) => [twin.deviceId, twin.moduleId]), [['carrier', 'meter']]);
});

test('columns come as rows, page by page', async () => {
    for (let n = 0; n < 5; n++)
        await tagged(`column-${n}`, { column: n });
    const all = await pages('SELECT deviceId AS id, tags.column FROM devices WHERE tags.column >= 0', 2, 'next');
    assert.deepEqual(all.map((page) => page.length), [2, 2, 1]);
    assert.deepEqual(all.flat(), Array.from({ length: 5 }, (_, n) => ({ id: `column-${n}`, column: n })));
});

test('groups are counted', async () => {
    for (const [id, status] of [['g-1', 'Success'], ['g-2', 'Pending'], ['g-3', 'Success']])
        await tagged(id, { grouped: true }, { telemetryConfig: { status } });
    const [rows] = await pages('SELECT properties.desired.telemetryConfig.status AS status, COUNT() AS numberOfDevices'
        + ' FROM devices WHERE tags.grouped = true GROUP BY properties.desired.telemetryConfig.status', 100, 'next');
    assert.deepEqual(rows, [{ status: 'Success', numberOfDevices: 2 }, { status: 'Pending', numberOfDevices: 1 }]);
});

test('of no jobs an empty list comes', async () => {
    assert.deepEqual(await pages('SELECT * FROM devices.jobs', 100, 'next'), [[]]);
});

test('what is no query is refused with its word', async () => {
    const error = await refusal(hub.createQuery('SELECT * FROM devices ORDER BY x').next(), 'ArgumentError');
    assert.match(JSON.parse(error.responseBody).Message, /column 23: .*'ORDER'/);
});

test('what is no query is refused', async () => {
    const error = await refusal(hub.createQuery('SELECT * FROM').nextAsTwin(), 'ArgumentError');
    assert.equal(error.response.statusCode, 400);
});

test('a policy without the right may not ask', async () => {
    await refusal(registry(policy('device')).createQuery('SELECT * FROM devices').nextAsTwin(), 'UnauthorizedError');
});

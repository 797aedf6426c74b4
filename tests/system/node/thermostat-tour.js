// SPDX-License-Identifier: Apache-2.0

// The tutorial's talk with its thermostat as a service has it, step by step: azure-iot-provisioning-service and
// azure-iothub over HTTPS, @azure/event-hubs over AMQP. The thermostat is hublinkd and there already (../test_thermostat_tour.py).

'use strict';

const { EventHubConsumerClient, earliestEventPosition } = require('@azure/event-hubs');
const { ProvisioningServiceClient } = require('azure-iot-provisioning-service');
const { test, assert, until } = require('./harness');
const { endpoints, eventHub, policy, registry, serviceClient } = require('./devhub');

const ID = 'thermostat-1';
const MODEL = 'dtmi:com:example:Thermostat;1';
const LONG_AGO = '2026-01-01T00:00:00Z';

const hub = registry();

async function twin() {
    return (await hub.getTwin(ID)).responseBody;
}

async function reported(name) {
    return (await twin()).properties.reported[name];
}

async function call(t, parameters) {
    const { result } = await serviceClient(t).invokeDeviceMethod(ID, { methodName: 'getMaxMinReport', ...parameters });
    return result;
}

// The answer to a wish, once there is one of its version.
async function desire(targetTemperature) {
    const { responseBody } = await hub.updateTwin(ID, { properties: { desired: { targetTemperature } } }, '*');
    const version = responseBody.properties.desired.$version;
    let answer;
    await until(async () => {
        answer = await reported('targetTemperature');
        return answer && answer.av === version;
    }, 'the acknowledgement of version ' + version, 20000);
    return { version, answer };
}

function checkReport(report) {
    assert.deepEqual(Object.keys(report).sort(), ['avgTemp', 'endTime', 'maxTemp', 'minTemp', 'startTime']);
    for (const name of ['maxTemp', 'minTemp', 'avgTemp'])
        assert.equal(typeof report[name], 'number');
    assert.ok(report.minTemp <= report.avgTemp && report.avgTemp <= report.maxTemp);
    assert.ok(Math.abs(Date.parse(report.endTime) - Date.now()) < 60000);
}

test('the provisioning service has assigned the hub', async () => {
    const service = ProvisioningServiceClient.fromConnectionString(policy('provisioningserviceowner'));
    const { responseBody: state } = await service.getDeviceRegistrationState(ID);
    assert.deepEqual([state.status, state.deviceId, state.assignedHub], ['assigned', ID, endpoints.host]);
});

test('the model id is seen', async () => {
    assert.equal((await twin()).modelId, MODEL);
});

test('telemetry is temperature alone, JSON in UTF-8, of the model', async (t) => {
    const consumer = new EventHubConsumerClient('$Default', eventHub());
    const seen = [];
    const subscription = consumer.subscribe({
        processEvents: async (events) => {
            seen.push(...events.filter((one) => one.systemProperties['iothub-connection-device-id'] === ID));
        },
        processError: async (error) => { throw error; },
    }, { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 0.2 });
    t.after(() => consumer.close());
    t.after(() => subscription.close());
    await until(() => seen.length >= 3, 'three readings', 20000);
    for (const event of seen) {
        assert.deepEqual(Object.keys(event.body), ['temperature']);
        assert.equal(typeof event.body.temperature, 'number');
        assert.equal(event.contentType, 'application/json');
        assert.equal(event.systemProperties.contentEncoding, 'utf-8');
        assert.equal(event.systemProperties['dt-dataschema'], MODEL);
        assert.equal(event.systemProperties['dt-subject'], undefined);
    }
});

test('the highest temperature is reported, and again when it rises', async () => {
    let first, later;
    await until(async () => (first = await reported('maxTempSinceLastReboot')) !== undefined, 'the property', 20000);
    assert.equal(typeof first, 'number');
    await until(async () => (later = await reported('maxTempSinceLastReboot')) !== first, 'a higher one', 25000);
    assert.ok(later > first, `${later} after ${first}`);
});

test('the command without an argument reports all since the start', async (t) => {
    const { status, payload } = await call(t, {});
    assert.equal(status, 200);
    checkReport(payload);
    assert.ok(Date.parse(payload.startTime) > Date.parse(LONG_AGO));
    assert.deepEqual((await call(t, { payload: null })).status, 200);
});

test('the command takes a time as a bare text', async (t) => {
    const { status, payload } = await call(t, { payload: LONG_AGO });
    assert.equal(status, 200);
    checkReport(payload);
    assert.equal(Date.parse(payload.startTime), Date.parse(LONG_AGO));
    assert.equal((await call(t, { payload: '2999-01-01T00:00:00Z' })).status, 404);
    assert.equal((await call(t, { payload: { since: LONG_AGO } })).status, 400);
});

test('a target is acknowledged with 200, its version and the plain number', async () => {
    const { version, answer } = await desire(86.3);
    assert.deepEqual(answer, { value: 86.3, ac: 200, av: version, ad: 'Successfully executed patch' });
});

test('a target in an object is acknowledged alike', async () => {
    await desire(20);
    const { version, answer } = await desire({ value: 86.3 });
    assert.deepEqual(answer, { value: 86.3, ac: 200, av: version, ad: 'Successfully executed patch' });
});

test('a target that is no number is refused, and the one before stays', async () => {
    const { version, answer } = await desire('warm');
    assert.deepEqual(answer, { value: 86.3, ac: 400, av: version, ad: 'expected a number' });
});

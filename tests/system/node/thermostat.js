// SPDX-License-Identifier: Apache-2.0

// A Plug and Play thermostat, dtmi:com:example:Thermostat;1, that asks the provisioning service where it belongs:
// telemetry temperature, writable property targetTemperature, read-only property maxTempSinceLastReboot, command
// getMaxMinReport. It tells what it does, a line of JSON each, until its input ends.
// usage: thermostat.js PROVISIONING_HOST ID_SCOPE REGISTRATION_ID KEY

'use strict';

const { Client, Message } = require('azure-iot-device');
const { Mqtt } = require('azure-iot-device-mqtt');
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { Mqtt: ProvisioningMqtt } = require('azure-iot-provisioning-device-mqtt');
const { SymmetricKeySecurityClient } = require('azure-iot-security-symmetric-key');

const MODEL = 'dtmi:com:example:Thermostat;1';
const [host, scope, registrationId, key] = process.argv.slice(2);

const started = new Date();
const temperatures = [];
let target = 20;

function tell(told) {
    process.stdout.write(JSON.stringify(told) + '\n');
}

async function provision() {
    const security = new SymmetricKeySecurityClient(registrationId, key);
    const service = ProvisioningDeviceClient.create(host, scope, new ProvisioningMqtt(), security);
    service.setProvisioningPayload({ modelId: MODEL });
    const { assignedHub, deviceId } = await service.register();
    tell({ assigned: assignedHub, device: deviceId });
    return `HostName=${assignedHub};DeviceId=${deviceId};SharedAccessKey=${key}`;
}

function report(twin, patch) {
    return new Promise((resolve, reject) =>
        twin.properties.reported.update(patch, (error) => error ? reject(error) : resolve()));
}

// A writable property is acknowledged with the value in effect, a status, the version and words.
async function onTarget(twin, value, version) {
    const good = typeof value === 'number' && value >= 5 && value <= 30;
    if (good)
        target = value;
    await report(twin, { targetTemperature: {
        value: target, ac: good ? 200 : 400, av: version, ad: good ? 'as you wish' : 'from 5 to 30 degrees' } });
    tell({ target, version });
}

function maxMinReport(since) {
    const [max, min] = [Math.max(...temperatures), Math.min(...temperatures)];
    const avg = temperatures.reduce((sum, one) => sum + one, 0) / temperatures.length;
    return { maxTemp: max, minTemp: min, avgTemp: avg, startTime: since, endTime: new Date().toISOString() };
}

async function measure(client) {
    const temperature = target + temperatures.length % 3;
    temperatures.push(temperature);
    const message = new Message(JSON.stringify({ temperature }));
    message.contentType = 'application/json';
    message.contentEncoding = 'utf-8';
    await client.sendEvent(message);
}

async function main() {
    const client = Client.fromConnectionString(await provision(), Mqtt);
    await client.setOptions({ modelId: MODEL });
    await client.open();
    client.onDeviceMethod('getMaxMinReport', (request, response) =>
        response.send(200, maxMinReport(request.payload || started.toISOString())));
    const twin = await client.getTwin();
    twin.on('properties.desired', (desired) => {
        if ('targetTemperature' in desired)
            onTarget(twin, desired.targetTemperature, desired.$version);
    });
    if (!('targetTemperature' in twin.properties.desired))
        await report(twin, { targetTemperature: { value: target, ac: 203, av: 0, ad: 'from the start' } });
    for (let n = 0; n < 3; n++)
        await measure(client);
    await report(twin, { maxTempSinceLastReboot: Math.max(...temperatures) });
    tell({ ready: true });
}

main().catch((error) => {
    tell({ error: error.stack });
    process.exitCode = 1;
});
process.stdin.resume().on('end', () => process.exit());

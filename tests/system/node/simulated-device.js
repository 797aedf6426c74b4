// SPDX-License-Identifier: Apache-2.0

// The device of the tutorials: it sends its wind speed every INTERVAL milliseconds, counts what the hub has confirmed,
// and completes every message that it receives. It tells of both, a line of JSON each, until its input ends.
// usage: simulated-device.js CONNECTION_STRING INTERVAL

'use strict';

const { Client, Message } = require('azure-iot-device');
const { Mqtt } = require('azure-iot-device-mqtt');

const [connectionString, interval] = process.argv.slice(2);
const deviceId = /DeviceId=([^;]+)/.exec(connectionString)[1];
const client = Client.fromConnectionString(connectionString, Mqtt);

let sent = 0;
let confirmed = 0;

function tell(told) {
    process.stdout.write(JSON.stringify(told) + '\n');
}

async function sendOne() {
    sent += 1;
    const windSpeed = 10 + Math.random() * 4;
    const message = new Message(JSON.stringify({ deviceId, windSpeed }));
    message.messageId = `message_${sent}`;
    message.correlationId = `correlation_${sent}`;
    message.properties.add('Property', `PropMsg_${sent}`);
    await client.sendEvent(message);
    confirmed += 1;
    tell({ confirmed });
}

client.on('message', (message) => {
    tell({ received: message.getData().toString(), id: message.messageId, properties: message.properties.propertyList });
    client.complete(message);
});

client.open().then(() => {
    tell({ open: deviceId });
    setInterval(() => sendOne().catch((error) => tell({ error: error.name })), Number(interval));
});
process.stdin.resume().on('end', () => process.exit(0));

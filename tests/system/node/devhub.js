// SPDX-License-Identifier: Apache-2.0

// The hub that this process is to speak to, and the official clients on it.

'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { Client, Message, ModuleClient } = require('azure-iot-device');
const { Mqtt } = require('azure-iot-device-mqtt');
const service = require('azure-iothub');

const directory = process.env.DEVHUB_STATE_DIR;
const endpoints = JSON.parse(fs.readFileSync(path.join(directory, 'endpoints.json')));
const OWNER = endpoints.owner_connection_string;

// The connection string of a policy of the hub's, as sdk.py found its key.
function policy(name) {
    const policies = JSON.parse(process.env.DEVHUB_POLICIES);
    return `HostName=${endpoints.host};SharedAccessKeyName=${name};SharedAccessKey=${policies[name]}`;
}

// Of the event endpoint, in the form of the portal; by another authority than the hub's if one is given.
function eventHub(authority = endpoints.host) {
    const [name] = endpoints.host.split('.');
    const key = OWNER.match(/SharedAccessKey=(.*)/)[1];
    return `Endpoint=sb://${authority}/;SharedAccessKeyName=iothubowner;SharedAccessKey=${key};EntityPath=${name}`;
}

// What a command of hublink-devhub prints.
function command(...words) {
    return execFileSync(process.env.DEVHUB, [...words, '--state-dir', directory], { encoding: 'utf-8' });
}

// {deviceId, primaryKey, secondaryKey, connectionString ...}; an id with a slash is a module of a device.
function create(id) {
    return JSON.parse(command('device', 'create', id, '--json'));
}

// The events of a device that the hub has confirmed so far.
function monitor(id) {
    const lines = command('monitor', id, '--from', 'start', '--for', '0s').split('\n');
    return lines.filter((line) => line).map((line) => JSON.parse(line));
}

// An official client of the device or module, not connected yet, closed after the case.
function client(t, made, options = {}, Transport = Mqtt) {
    const connectionString = typeof made === 'string' ? made : made.connectionString;
    const kind = /;ModuleId=/i.test(connectionString) ? ModuleClient : Client;
    const opened = kind.fromConnectionString(connectionString, Transport);
    opened.on('error', () => {});
    t.after(() => opened.close());
    return opened.setOptions(options).then(() => opened);
}

// A device, new when its id is given, and its connected client.
async function device(t, made, options, Transport) {
    const opened = await client(t, typeof made === 'string' ? create(made) : made, options, Transport);
    await opened.open();
    return opened;
}

// Whatever the client asked for before has been done: the hub takes its packets in order.
async function settled(opened) {
    await opened.sendEvent(new Message('{}'));
}

function registry(connectionString = OWNER) {
    return service.Registry.fromConnectionString(connectionString);
}

// The service client; connected by AMQP when it first needs to be.
function serviceClient(t, connectionString = OWNER, Transport = undefined) {
    const opened = service.Client.fromConnectionString(connectionString, Transport);
    t.after(() => opened.close());
    return opened;
}

module.exports = {
    endpoints, OWNER, client, command, create, device, eventHub, monitor, policy, registry, serviceClient, settled,
};

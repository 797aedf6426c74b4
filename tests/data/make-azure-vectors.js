// SPDX-License-Identifier: Apache-2.0

// Vectors of the wire, as the official Node packages make them (see README.md beside this file).
//
// The device client runs unchanged on its own MQTT transport; only the MQTT library beneath is a recorder, which
// keeps what it is asked to send and answers well. Time stands still, so that the tokens come out alike each time.

'use strict';

const { EventEmitter } = require('events');
const { Client, ModuleClient, Message, ConnectionString } = require('azure-iot-device');
const { Mqtt } = require('azure-iot-device-mqtt');
const { MqttBase } = require('azure-iot-mqtt-base');
const { SharedAccessSignature, encodeUriComponentStrict } = require('azure-iot-common');

const PACKAGES = ['azure-iot-common', 'azure-iot-device', 'azure-iot-device-mqtt', 'azure-iot-mqtt-base'];
const HOST = 'devhub.example.net';
const KEYS = {
    k: Buffer.alloc(32, 'k').toString('base64'),
    bytes: Buffer.from(Array.from({ length: 64 }, (_, i) => i * 4 + 3)).toString('base64'),
    short: Buffer.from('x').toString('base64'),
};

Date.now = () => Date.UTC(2026, 0, 1);

// ---- tokens ----

const RESOURCES = [
    HOST,
    `${HOST}/devices/dev1`,
    `${HOST}/devices/dev1/modules/mod1`,
    `${HOST}/devices/A-b:c.d%e_f*g?h!i(j)k,l=m@n$o'p`,
    `${HOST}/devices/100%25`,
    `${HOST}/devices/a b+c&d~e`,
    `${HOST}/devices/ü€😀`,
    `${HOST}/devices/${'x'.repeat(128)}`,
    `${HOST}/messages/events`,
    '0ne00000A/registrations/dev1',
];

function tokens() {
    const all = [];
    for (const resource of RESOURCES) {
        for (const policy of [null, 'iothubowner', "a&b=c d/!'()*"]) {
            for (const key of Object.values(KEYS)) {
                const expiry = 1900000000 + all.length;
                const raw = encodeUriComponentStrict(resource);
                const token = SharedAccessSignature.create(raw, policy, key, expiry).toString();
                all.push({ resource, policy, key, expiry, token });
            }
        }
    }
    // the package for the provisioning service hands the resource in as it is
    const resource = '0ne00000A/registrations/dev1';
    const token = SharedAccessSignature.create(resource, 'registration', KEYS.k, 1900000000).toString();
    all.push({ resource, policy: 'registration', key: KEYS.k, expiry: 1900000000, token });
    return all;
}

// ---- connection strings ----

function connectionStrings() {
    return [
        `HostName=${HOST};DeviceId=dev1;SharedAccessKey=${KEYS.k}`,
        `SharedAccessKey=${KEYS.bytes};DeviceId=dev1;HostName=${HOST}`,
        `HostName=${HOST};DeviceId=dev1;ModuleId=mod1;SharedAccessKey=${KEYS.k};GatewayHostName=edge.local`,
        `HostName=${HOST};DeviceId=dev1;SharedAccessKeyName=device;SharedAccessKey=${KEYS.k}`,
        `HostName=${HOST};DeviceId=dev1;x509=true`,
        `HostName=${HOST};DeviceId=a=b-:.%41_*?!(),=@$';SharedAccessKey=${KEYS.short}`,
        `HostName=${HOST};DeviceId=dev1;SomethingElse=1=2;SharedAccessKey=${KEYS.k};`,
    ].map((text) => {
        const parsed = ConnectionString.parse(text);
        return {
            text,
            host_name: parsed.HostName,
            device_id: parsed.DeviceId,
            module_id: parsed.ModuleId || null,
            shared_access_key: parsed.SharedAccessKey || null,
            shared_access_key_name: parsed.SharedAccessKeyName || null,
            gateway_host_name: parsed.GatewayHostName || null,
            x509: parsed.x509 === 'true' || parsed.x509 === true,
        };
    });
}

// ---- what goes over the wire ----

class Recorder extends EventEmitter {
    connect(uri, options) {
        this.uri = uri;
        this.options = options;
        this.published = [];
        setImmediate(() => this.emit('connect', { returnCode: 0 }));
        return this;
    }

    publish(topic, payload, options, done) {
        this.published.push({ topic, qos: options.qos });
        setImmediate(done, null, { cmd: 'puback' });
    }

    end(force, done) {
        setImmediate(done);
    }
}

function open(identity, options) {
    const recorder = new Recorder();
    class RecordedMqtt extends Mqtt {
        constructor(authentication) {
            super(authentication, new MqttBase(recorder));
        }
    }
    const module = identity.module_id ? `;ModuleId=${identity.module_id}` : '';
    const text = `HostName=${HOST};DeviceId=${identity.device_id}${module};SharedAccessKey=${KEYS.k}`;
    const client = (identity.module_id ? ModuleClient : Client).fromConnectionString(text, RecordedMqtt);
    return client.setOptions(options || {}).then(() => client.open()).then(() => ({ client, recorder }));
}

const IDENTITIES = [
    { device_id: 'dev1', module_id: null },
    { device_id: 'dev1', module_id: 'mod1' },
    { device_id: "A-b:c.d%e_f*g?h!i(j)k,l=m@n$o'p", module_id: null },
];

const CONNECT_OPTIONS = [
    {},
    { modelId: 'dtmi:com:example:Thermostat;1' },
    { productInfo: 'my agent/1.0' },
    { productInfo: "acme+gw (ü; 100%)&x=y!'*#?", modelId: 'dtmi:com:example:Thermostat;2' },
];

async function connects() {
    const all = [];
    for (const identity of IDENTITIES) {
        for (const options of CONNECT_OPTIONS) {
            const { client, recorder } = await open(identity, options);
            all.push({
                host: HOST,
                ...identity,
                model_id: options.modelId || null,
                product_info: options.productInfo || '',
                key: KEYS.k,
                client_id: recorder.options.clientId,
                username: recorder.options.username,
                password: recorder.options.password,
            });
            await client.close();
        }
    }
    return all;
}

// How a message of the package names what the hub calls $.mid and so on.
const SYSTEM = {
    '$.mid': 'messageId',
    '$.cid': 'correlationId',
    '$.uid': 'userId',
    '$.to': 'to',
    '$.ct': 'contentType',
    '$.ce': 'contentEncoding',
    '$.ifid': 'interfaceId',
    '$.exp': 'expiryTimeUtc',
};
const PUNCTUATION = ' !"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~';

const MESSAGES = [
    { system: {}, properties: [] },
    { system: { '$.mid': 'id-1' }, properties: [] },
    { system: {}, properties: [['a', 'b']] },
    { system: { '$.mid': 'id/1', '$.ct': 'application/json', '$.ce': 'utf-8' }, properties: [["k e/y'!()*~", 'v+l=ü']] },
    {
        system: {
            '$.mid': 'telemetry.00000000deadbeef.1-17', '$.cid': 'c id', '$.uid': 'me@home', '$.to': '/a/b',
            '$.ct': 'application/json;charset=utf-8', '$.ce': 'utf-8', '$.exp': '2026-01-01T00:00:00.000Z',
        },
        properties: [['hl-backfill', '1'], ['Property', 'PropMsg_1']],
    },
    { system: { '$.mid': PUNCTUATION }, properties: [[PUNCTUATION, PUNCTUATION]] },
    { system: {}, properties: [['empty', ''], ['same', '1'], ['same', '2']] },
    { system: {}, properties: [['100%', '%41%zz%'], ['a+b', 'c d'], ['?q', '#h']] },
    { system: {}, properties: [['ü€😀', 'Grüße, 世界 😀'], ['nfd', 'u\u0308'], ['bom', '\ufeffx'], ['max', '\u{10ffff}']] },
    { system: {}, properties: [['control', '\u0001\t\r\n\u007f'], ['$own', '$'], ['%24.own', '1']] },
    { system: { '$.cid': 'x'.repeat(128) }, properties: [['long', 'v/'.repeat(500)]] },
    { system: {}, properties: Array.from({ length: 40 }, (_, i) => [`p${i}`, String(i * i)]) },
];

async function messages() {
    const all = [];
    for (const identity of IDENTITIES) {
        const { client, recorder } = await open(identity);
        for (const { system, properties } of MESSAGES) {
            const message = new Message('body');
            for (const [name, value] of Object.entries(system))
                message[SYSTEM[name]] = value;
            for (const [name, value] of properties)
                message.properties.add(name, value);
            await client.sendEvent(message);
            all.push({
                ...identity,
                entries: [...Object.entries(system), ...properties],
                ...recorder.published.pop(),
            });
        }
        await client.close();
    }
    return all;
}

async function main() {
    const made_with = {};
    for (const name of PACKAGES)
        made_with[name] = require(`${name}/package.json`).version;
    const vectors = {
        made_with,
        tokens: tokens(),
        connection_strings: connectionStrings(),
        connects: await connects(),
        messages: await messages(),
    };
    // the clients' timers would keep the program alive
    process.stdout.write(JSON.stringify(vectors, null, 1) + '\n', () => process.exit(0));
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});

// SPDX-License-Identifier: Apache-2.0

// The official device or module client, doing what each line on standard input says:
//
//   {"do": "open", "connection_string": "...", "options": {...}}
//   {"do": "send", "message": {"body": "text" | "body_base64": "...", "system": {...}, "properties": [[name, value]...]}}
//   {"do": "close"}
//
// and answering each with a line of its own: {"ok": true} or {"ok": false, "error": "UnauthorizedError", "message": "..."}.
// The members of "system" are those of the client's Message: messageId, correlationId, contentType ...

'use strict';

const readline = require('readline');
const { Client, ModuleClient, Message } = require('azure-iot-device');
const { Mqtt } = require('azure-iot-device-mqtt');

let client = null;

async function open({ connection_string, options }) {
    const kind = /;ModuleId=/i.test(connection_string) ? ModuleClient : Client;
    client = kind.fromConnectionString(connection_string, Mqtt);
    client.on('error', () => {});
    await client.setOptions(options || {});
    await client.open();
}

async function send({ message }) {
    const body = 'body_base64' in message ? Buffer.from(message.body_base64, 'base64') : message.body;
    const made = new Message(body);
    Object.assign(made, message.system || {});
    for (const [name, value] of message.properties || [])
        made.properties.add(name, value);
    await client.sendEvent(made);
}

async function close() {
    await client.close();
}

async function main() {
    for await (const line of readline.createInterface({ input: process.stdin })) {
        const order = JSON.parse(line);
        let answer = { ok: true };
        try {
            await { open, send, close }[order.do](order);
        } catch (error) {
            answer = { ok: false, error: error.name, message: error.message };
        }
        process.stdout.write(JSON.stringify(answer) + '\n');
    }
}

main().then(() => process.exit(0));

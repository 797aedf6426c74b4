// SPDX-License-Identifier: Apache-2.0

// The AMQP side of an IoT hub and of the Event Hubs namespace that it sends readers to, made of rhea and nothing of
// ours: what hublink-explorer and hublink-devhub might both have wrong shows here. It listens on 5671 for two names.
//
// The environment variable RHEA_HUB tells it what it is:
//
//   {"host": "hub.example.net", "events_host": "ns.example.net", "entity": "iothub-ehub-hub-1",
//    "policy": "service", "policy_key": "...", "cert": FILE, "key": FILE, "refuse": {"DEVICE": "amqp:..."}}
//
// It says {"saw": "listening"}, then what clients do, a line of JSON each; it takes orders on standard input:
//
//   {"do": "event", "partition": "0", "body": "...", "annotations": {}, "properties": {}, "application": {}}
//   {"do": "feedback", "records": [...]}          one batch, to whoever reads feedback
//   {"do": "cut"}                                  all connections, without a word

'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const readline = require('node:readline');
const rhea = require('rhea');

const config = JSON.parse(process.env.RHEA_HUB);
const PARTITIONS = ['0', '1'];
const CREATED = new Date('2026-01-02T03:04:05.678Z');

function say(saw, more) {
    process.stdout.write(JSON.stringify({ saw, ...more }) + '\n');
}

// --- tokens ---

// What a token is good for: null, or its resource in plain text. The signature is over the resource as it was sent.
function resourceOf(token, key) {
    const found = /^SharedAccessSignature (.*)$/.exec(token);
    if (!found)
        return null;
    const parts = Object.fromEntries(found[1].split('&').map((part) => {
        const at = part.indexOf('=');
        return [part.slice(0, at), part.slice(at + 1)];
    }));
    const signature = crypto.createHmac('sha256', key).update(`${parts.sr}\n${parts.se}`).digest('base64');
    if (decodeURIComponent(parts.sig || '') !== signature || decodeURIComponent(parts.skn || '') !== config.policy)
        return null;
    return Number(parts.se) * 1000 > Date.now() ? decodeURIComponent(parts.sr) : null;
}

function covers(resource, wanted) {
    const [have, want] = [resource, wanted].map((text) => text.toLowerCase());
    return want === have || want.startsWith(have + '/');
}

// The hub decodes its keys, Event Hubs takes their text.
function hubResource(token) {
    return resourceOf(token, Buffer.from(config.policy_key, 'base64'));
}

function eventsResource(token) {
    return resourceOf(token, config.policy_key);
}

function isHub(resource) {
    return resource !== null && covers(resource, config.host);
}

// A token may be for the whole of it or for a part.
function isEvents(resource) {
    if (resource === null || !/^(sb|amqps):\/\//.test(resource))
        return false;
    const [have, want] = [resource.replace(/^[a-z]+:\/\//, ''), `${config.events_host}/${config.entity}`];
    return covers(have, want) || covers(want, have);
}

// --- events ---

const partitions = Object.fromEntries(PARTITIONS.map((id) => [id, { events: [], readers: new Set() }]));

function addEvent({ partition, body, annotations = {}, properties = {}, application = {} }) {
    const { events, readers } = partitions[partition];
    const sequence = events.length + 100; // not what a reader would guess
    const enqueued = new Date();
    events.push({
        sequence, offset: sequence * 64, enqueued: enqueued.getTime(),
        message: {
            ...properties,
            message_annotations: {
                'x-opt-sequence-number': rhea.types.wrap_long(sequence),
                'x-opt-offset': String(sequence * 64),
                'x-opt-enqueued-time': rhea.types.wrap_timestamp(enqueued.getTime()),
                'iothub-enqueuedtime': rhea.types.wrap_timestamp(enqueued.getTime()),
                'iothub-message-source': 'Telemetry',
                ...annotations,
            },
            application_properties: application,
            body: rhea.message.data_section(Buffer.from(body)),
        },
    });
    for (const reader of readers)
        reader.go();
}

// The place in the events where a filter begins; undefined when it is not understood.
function startOf(events, filter) {
    if (!filter)
        return 0;
    const found = /^amqp\.annotation\.(x-opt-[a-z-]+) (>=?) '?([^']*)'?$/.exec(filter);
    if (!found)
        return undefined;
    const [, name, operator, text] = found;
    const field = { 'x-opt-offset': 'offset', 'x-opt-sequence-number': 'sequence', 'x-opt-enqueued-time': 'enqueued' }[name];
    if (!field)
        return undefined;
    if (text === '@latest')
        return events.length;
    const limit = Number(text);
    const at = events.findIndex((one) => operator === '>' ? one[field] > limit : one[field] >= limit);
    return at < 0 ? events.length : at;
}

class Reader {
    constructor(sender, partition, next) {
        this.sender = sender;
        this.partition = partition;
        this.next = next;
        this.partition.readers.add(this);
        sender.on('sendable', () => this.go());
        for (const end of ['sender_close', 'session_close', 'connection_close', 'disconnected'])
            sender.on(end, () => this.partition.readers.delete(this));
    }

    go() {
        while (this.next < this.partition.events.length && this.sender.sendable())
            this.sender.send(this.partition.events[this.next++].message);
    }
}

// --- links ---

const container = rhea.create_container({ id: 'rhea-hub' });
const connections = new Set();
const feedbackReaders = new Set();

function refuse(link, condition, description, info) {
    say('refused', { condition });
    link.close({ condition, description, info });
}

// An address without the host before it, and which host that was.
function parse(address) {
    const found = /^amqps:\/\/([^/:]+)(:\d+)?(\/.*)$/.exec(address || '');
    return found ? { host: found[1], path: found[3].toLowerCase(), text: found[3] } : { path: (address || '').toLowerCase(), text: address };
}

function toEvents(connection) {
    return connection.served === config.events_host;
}

function isAllowed(connection) {
    return connection.resources.some(toEvents(connection) ? isEvents : isHub);
}

const CONSUMER = /^\/?([^/]+)\/consumergroups\/([^/]+)\/partitions\/([^/]+)$/;

function openEvents(sender, address) {
    const found = CONSUMER.exec(address.path);
    const partition = found && partitions[found[3]];
    if (!found || found[1] !== config.entity.toLowerCase() || !partition)
        return refuse(sender, 'amqp:not-found', `no ${address.text}`);
    const filters = sender.source.filter || {};
    const described = filters['apache.org:selector-filter:string'];
    const filter = described && (described.value !== undefined ? described.value : described);
    const start = startOf(partition.events, filter && String(filter));
    say('reader', { group: found[2], partition: found[3], filter: filter ? String(filter) : null });
    if (start === undefined)
        return refuse(sender, 'amqp:invalid-field', `filter ${filter}`);
    sender.set_source(sender.source);
    new Reader(sender, partition, start);
}

function redirect(link, address) {
    refuse(link, 'amqp:link:redirect', 'read at the Event Hubs namespace', {
        hostname: config.events_host, 'network-host': config.events_host, port: rhea.types.wrap_uint(5671),
        address: `amqps://${config.events_host}:5671/${config.entity}/${address.text.replace(/^\/?messages\/events\/?/i, '')}`,
    });
}

function openFeedback(sender) {
    say('feedback reader', {});
    sender.set_source(sender.source);
    feedbackReaders.add(sender);
    for (const end of ['sender_close', 'session_close', 'connection_close', 'disconnected'])
        sender.on(end, () => feedbackReaders.delete(sender));
}

// A client wants to read.
container.on('sender_open', ({ connection, sender }) => {
    const address = parse(sender.source.address);
    if (address.path === '$cbs' || address.path.endsWith('$management')) {
        sender.set_source({ address: sender.source.address });
        sender.set_target({ address: sender.target && sender.target.address });
        connection.replies.push(sender);
        if (address.path === '$cbs' || toEvents(connection))
            return;
    }
    if (!isAllowed(connection))
        return refuse(sender, 'amqp:unauthorized-access', 'no token covers this');
    if (!toEvents(connection) && /^\/?messages\/events(\/|$)/.test(address.path))
        return redirect(sender, address);
    if (!toEvents(connection) && address.path === '/messages/servicebound/feedback')
        return openFeedback(sender);
    if (toEvents(connection))
        return openEvents(sender, address);
    refuse(sender, 'amqp:not-found', `no ${address.text}`);
});

// A client wants to send.
container.on('receiver_open', ({ connection, receiver }) => {
    const address = parse(receiver.target.address);
    receiver.set_target({ address: receiver.target.address });
    if (address.path === '$cbs')
        return;
    if (!isAllowed(connection))
        return refuse(receiver, 'amqp:unauthorized-access', 'no token covers this');
    if (address.path.endsWith('$management') && (toEvents(connection) || /^\/?messages\/events\//.test(address.path)))
        return toEvents(connection) || redirect(receiver, address);
    if (!toEvents(connection) && address.path === '/messages/devicebound')
        return;
    refuse(receiver, 'amqp:not-found', `no ${address.text}`);
});

// --- requests ---

function reply(connection, request, code, description, body) {
    const to = connection.replies.find((sender) => sender.target && sender.target.address === request.reply_to)
        || connection.replies.find((sender) => sender.source.address === (body ? '$management' : '$cbs'));
    to.send({
        to: request.reply_to, correlation_id: request.message_id,
        application_properties: { 'status-code': rhea.types.wrap_int(code), 'status-description': description },
        body: body || '',
    });
}

function putToken(connection, request) {
    const { operation, type, name } = request.application_properties || {};
    const token = String(request.body);
    const resource = toEvents(connection) ? eventsResource(token) : hubResource(token);
    const fits = toEvents(connection) ? isEvents(resource) : isHub(resource);
    const ok = operation === 'put-token' && type === 'servicebus.windows.net:sastoken' && fits;
    say('token', { host: connection.served, operation, type, name, resource, ok });
    if (ok)
        connection.resources.push(resource);
    reply(connection, request, ok ? 200 : 401, ok ? 'OK' : 'InvalidSignature: the token is not good for this');
}

function manage(connection, request) {
    const { operation, type, name, partition, security_token: token } = request.application_properties || {};
    say('management', { operation, type, name, partition, token: token === undefined ? null : isEvents(eventsResource(String(token))) });
    if (operation !== 'READ' || name !== config.entity)
        return reply(connection, request, 404, 'no such entity', {});
    if (type === 'com.microsoft:eventhub')
        return reply(connection, request, 200, 'OK', {
            name, type, created_at: rhea.types.wrap_timestamp(CREATED.getTime()),
            partition_count: rhea.types.wrap_int(PARTITIONS.length),
            partition_ids: rhea.types.wrap_array(PARTITIONS, 0xa1),
        });
    const { events } = partitions[partition] || {};
    if (!events)
        return reply(connection, request, 404, 'no such partition', {});
    const last = events.at(-1);
    reply(connection, request, 200, 'OK', {
        name, type, partition,
        begin_sequence_number: rhea.types.wrap_long(events.length ? events[0].sequence : 0),
        last_enqueued_sequence_number: rhea.types.wrap_long(last ? last.sequence : -1),
        last_enqueued_offset: last ? String(last.offset) : '-1',
        last_enqueued_time_utc: rhea.types.wrap_timestamp(last ? last.enqueued : 0),
        is_partition_empty: !last,
    });
}

function textOf(value) {
    return value instanceof Date ? value.getTime() : Buffer.isBuffer(value) ? value.toString() : value;
}

function takeMessage(delivery, message) {
    const device = decodeURIComponent((/^\/devices\/([^/]+)\//.exec(message.to) || [])[1] || '');
    const system = {};
    for (const name of ['to', 'message_id', 'correlation_id', 'user_id', 'content_type', 'content_encoding', 'absolute_expiry_time'])
        if (message[name] !== undefined && message[name] !== null)
            system[name] = textOf(message[name]);
    say('message', { device, system, application: message.application_properties || {},
        typecode: message.body.typecode, body: Buffer.from(message.body.content).toString('base64') });
    if (config.refuse && config.refuse[device])
        delivery.reject({ condition: config.refuse[device], description: `not to ${device}` });
    else
        delivery.accept();
}

container.on('message', ({ connection, receiver, delivery, message }) => {
    const address = parse(receiver.target.address);
    if (address.path === '/messages/devicebound')
        return takeMessage(delivery, message);
    delivery.accept();
    if (address.path === '$cbs')
        putToken(connection, message);
    else
        manage(connection, message);
});

// --- connections ---

// uamqp's name for: no names here, tokens come by $cbs.
container.sasl_server_mechanisms.MSSBCBS = function () {
    return { start() { this.outcome = true; this.username = 'MSSBCBS'; } };
};
container.sasl_server_mechanisms.enable_anonymous();
container.sasl_server_mechanisms.enable_plain((user, password) => {
    const expected = `${config.policy}@sas.root.${config.host.split('.')[0]}`;
    const resource = hubResource(password);
    const ok = user === expected && isHub(resource);
    say('plain', { user, resource, ok });
    if (ok)
        plain.add(user);
    return ok;
});
const plain = new Set();

container.on('connection_open', ({ connection }) => {
    connection.replies = [];
    connection.served = connection.hostname === config.events_host ? config.events_host : config.host;
    const user = connection.sasl_transport && connection.sasl_transport.username;
    connection.resources = plain.has(user) ? [config.host] : [];
    connections.add(connection);
    say('connection', { hostname: connection.hostname, servername: connection.socket.servername, user: user || null });
});
for (const end of ['connection_close', 'disconnected'])
    container.on(end, ({ connection }) => {
        if (connections.delete(connection))
            say('end', { hostname: connection.hostname });
    });
for (const outcome of ['accepted', 'rejected', 'released', 'modified'])
    container.on(outcome, ({ sender }) => {
        if (feedbackReaders.has(sender))
            say('outcome', { outcome });
    });
for (const failure of ['connection_error', 'session_error', 'sender_error', 'receiver_error', 'protocol_error', 'error'])
    container.on(failure, (context) => say('failure', { failure, what: String(context && context.error || context) }));

function sendFeedback({ records }) {
    for (const sender of feedbackReaders) {
        const tag = crypto.randomBytes(16);
        sender.send({
            content_type: 'application/vnd.microsoft.iothub.feedback.json',
            user_id: Buffer.from(config.host.split('.')[0]),
            message_annotations: { 'iothub-enqueuedtime': rhea.types.wrap_timestamp(Date.now()) },
            body: rhea.message.data_section(Buffer.from(JSON.stringify(records))),
        }, tag);
    }
}

const orders = {
    event: addEvent,
    feedback: sendFeedback,
    cut() {
        for (const connection of connections)
            connection.socket.destroy();
    },
};

const server = container.listen({
    port: 5671, transport: 'tls', cert: fs.readFileSync(config.cert), key: fs.readFileSync(config.key),
});
server.on('listening', () => say('listening', {}));
readline.createInterface({ input: process.stdin })
    .on('line', (line) => {
        const order = JSON.parse(line);
        orders[order.do](order);
    })
    .on('close', () => process.exit(0));

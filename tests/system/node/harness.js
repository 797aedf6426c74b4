// SPDX-License-Identifier: Apache-2.0

// Cases in order, one at a time unless sideBySide() says otherwise. Each is told in a line of JSON on standard output, which ../sdk.py turns into a test:
//
//   {"name": "...", "ok": true}
//   {"name": "...", "ok": false, "error": "the stack"}
//
// What a case opened is closed after it, last first, whether it went well or not: t.after(() => client.close()).

'use strict';

const assert = require('node:assert/strict');

const PATIENCE = 30000; // milliseconds for one case

const cases = [];

function test(name, run) {
    cases.push({ name, run });
}

class Course {
    constructor() {
        this.closers = [];
    }

    after(close) {
        this.closers.push(close);
    }

    async close() {
        for (const close of this.closers.reverse())
            await within(close(), 'closing', 5000).catch(() => {});
    }
}

// The promise's value; an error that names what was awaited once the time is up.
function within(promise, what, milliseconds = 10000) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`${what}: nothing within ${milliseconds / 1000} s`)), milliseconds);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// The first COUNT values that the emitter's event brings from now on.
function events(emitter, event, count, milliseconds) {
    const seen = [];
    let listener;
    const all = new Promise((resolve) => {
        listener = (value) => {
            seen.push(value);
            if (seen.length === count)
                resolve(seen);
        };
        emitter.on(event, listener);
    });
    return within(all, `${count} times '${event}'`, milliseconds).finally(() => emitter.removeListener(event, listener));
}

async function event(emitter, name, milliseconds) {
    return (await events(emitter, name, 1, milliseconds))[0];
}

// Fails unless the promise is rejected with an error of this class name; returns the error.
async function refusal(promise, name) {
    let value;
    try {
        value = await promise;
    } catch (error) {
        assert.equal(error.name, name, error.stack);
        return error;
    }
    assert.fail(`no ${name}, but ${JSON.stringify(value && value.responseBody || value)}`);
}

// Asks again until the answer is true, or the time is up.
async function until(question, what, milliseconds = 10000) {
    const end = Date.now() + milliseconds;
    while (!await question()) {
        if (Date.now() > end)
            throw new Error(`${what}: not within ${milliseconds / 1000} s`);
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}

// How many cases run side by side, for those that mostly wait. They are begun in order.
let width = 1;

function sideBySide(count) {
    width = count;
}

async function tell({ name, run }) {
    const course = new Course();
    const told = { name, ok: true };
    try {
        await within(run(course), 'the case', PATIENCE);
    } catch (error) {
        told.ok = false;
        told.error = error.stack || String(error);
    }
    await course.close();
    process.stdout.write(JSON.stringify(told) + '\n');
}

async function main() {
    const rest = cases.values();
    const worker = async () => {
        for (const one of rest)
            await tell(one);
    };
    await Promise.all(Array.from({ length: width }, worker));
}

// Cases are told after the module that holds them has been read. What an SDK leaves open does not keep us.
setImmediate(() => main().then(() => process.exit(0)));

module.exports = { test, assert, event, events, refusal, sideBySide, until, within };

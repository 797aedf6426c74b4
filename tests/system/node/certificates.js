// SPDX-License-Identifier: Apache-2.0

// Certificates for a test, made by openssl in a folder of their own.

'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const folder = fs.mkdtempSync(path.join(process.env.DEVHUB_STATE_DIR, 'certificates-'));

function openssl(...words) {
    execFileSync('openssl', words, { cwd: folder, stdio: 'ignore' });
}

function read(name) {
    return fs.readFileSync(path.join(folder, name), 'utf-8');
}

// {cert, key, name}; signed by another, or by itself. cert holds the signers too, as the SDK sends them.
function certify(name, { by, ca = false, commonName = name } = {}) {
    const constraints = `basicConstraints=critical,CA:${ca ? 'TRUE' : 'FALSE'}`;
    const request = ['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${commonName}`,
        '-keyout', `${name}.key`];
    if (by) {
        fs.writeFileSync(path.join(folder, `${name}.ext`), constraints);
        openssl(...request, '-out', `${name}.csr`);
        openssl('x509', '-req', '-in', `${name}.csr`, '-CA', `${by.name}.pem`, '-CAkey', `${by.name}.key`, '-CAcreateserial',
            '-days', '2', '-extfile', `${name}.ext`, '-out', `${name}.pem`);
    } else {
        openssl(...request, '-x509', '-days', '2', '-addext', constraints, '-out', `${name}.pem`);
    }
    return { name, own: read(`${name}.pem`), cert: read(`${name}.pem`) + (by ? by.cert : ''), key: read(`${name}.key`) };
}

module.exports = { certify, folder };

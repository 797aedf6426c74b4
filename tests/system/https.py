# SPDX-License-Identifier: Apache-2.0
"""The service side by hand: HTTPS with Python's own client, so that every header is said and seen.

    service = Service(devhub)                            # as iothubowner
    answer = service.get('/devices/d1')                  # .status .headers .body .json
    answer = service.put('/devices/d1', {'deviceId': 'd1'}, {'If-Match': '*'})
    Service(devhub, policy='service').get('/devices/d1') # the token of another policy
"""

import http.client
import json
import socket
import sqlite3
import ssl

import mqtt

API = '2021-04-12'


def policy_key(devhub, name):
    """From the store: a program has no way to see it."""
    db = sqlite3.connect('file:%s/devhub.db?mode=ro' % devhub.directory, uri=True)
    try:
        return db.execute('SELECT primary_key FROM policies WHERE name = ?', (name,)).fetchone()[0]
    finally:
        db.close()


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """The header, which must agree with the body; the new dialect's number is its body's."""
        return self.headers.get('iothub-errorcode')


class Connection(http.client.HTTPSConnection):
    """To the devhub's address, by the devhub's name."""

    def __init__(self, devhub, timeout=30, certificate=None):
        """certificate: the files of one and of its key"""
        context = ssl.create_default_context(cafile=devhub.ca_file)
        if certificate:
            context.load_cert_chain(*certificate)
        super().__init__(devhub.host, devhub.https_port, timeout=timeout, context=context)
        self._create_connection = lambda address, *_: socket.create_connection(('127.0.0.1', address[1]), timeout)


class Service:
    def __init__(self, devhub, policy='iothubowner', token=None, certificate=None):
        """certificate: the files of one and of its key, which are shown instead of a token"""
        self.devhub = devhub
        self.certificate = certificate
        self.token = None if certificate else token or mqtt.token(policy_key(devhub, policy), devhub.host, policy=policy)

    def headers(self, more):
        headers = {'Authorization': self.token}  # None: it has none
        headers.update(more or {})
        return {k: v for k, v in headers.items() if v is not None}

    def path(self, path, api):
        return path if api is None else '%s%sapi-version=%s' % (path, '&' if '?' in path else '?', api)

    def call(self, method, path, body=None, headers=None, api=API, connection=None):
        """body: bytes as they are, anything else as JSON. headers: None takes one away."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers = {'Content-Type': 'application/json; charset=utf-8', **(headers or {})}
        own = connection or Connection(self.devhub, certificate=self.certificate)
        try:
            own.request(method, self.path(path, api), body, self.headers(headers))
            return Answer(own.getresponse())
        finally:
            if not connection:
                own.close()

    def get(self, path, headers=None, **kwargs):
        return self.call('GET', path, None, headers, **kwargs)

    def put(self, path, body, headers=None, **kwargs):
        return self.call('PUT', path, body, headers, **kwargs)

    def post(self, path, body, headers=None, **kwargs):
        return self.call('POST', path, body, headers, **kwargs)

    def patch(self, path, body, headers=None, **kwargs):
        return self.call('PATCH', path, body, headers, **kwargs)

    def delete(self, path, headers=None, **kwargs):
        return self.call('DELETE', path, None, headers, **kwargs)

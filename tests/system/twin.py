# SPDX-License-Identifier: Apache-2.0
"""What a device says about its twin and its methods, by hand over MQTT.

    with TwinClient(devhub, device) as twin:         # connected and subscribed
        twin.get()                                   # {'desired': {...}, 'reported': {...}}
        twin.report({'a': 1})                        # the new version
        twin.desired()                               # the next patch that comes: (version, patch)
        call = twin.called()                         # the next method: .name .rid .body
        twin.answer(call, 200, {'ok': True})
"""

import json
import re
import struct

import mqtt

RESPONSES = '$iothub/twin/res/#'
DESIRED = '$iothub/twin/PATCH/properties/desired/#'
METHODS = '$iothub/methods/POST/#'


class Published:
    """A PUBLISH that came: topic, body (bytes), qos."""

    def __init__(self, flags, body):
        size, = struct.unpack('>H', body[:2])
        self.qos = flags >> 1 & 3
        self.retain = flags & 1
        self.topic = body[2:2 + size].decode()
        self.body = body[2 + size + (2 if self.qos else 0):]

    @property
    def json(self):
        return json.loads(self.body)

    def match(self, pattern):
        found = re.fullmatch(pattern, self.topic)
        assert found, self.topic
        return found


class TwinClient:
    def __init__(self, devhub, device, filters=(RESPONSES, DESIRED, METHODS), **kwargs):
        self.client = devhub.client(device, **kwargs)
        self.n = 0
        if filters:
            assert len(self.client.subscribe(*filters)) == len(filters)

    def close(self):
        self.client.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def published(self, timeout=10):
        kind, flags, body = self.client.receive(timeout)
        assert kind == mqtt.PUBLISH, (kind, body)
        return Published(flags, body)

    # --- twins ---

    def send(self, topic, body=b'', qos=0, rid=None):
        """Returns the request id."""
        self.n += 1
        rid = str(self.n) if rid is None else rid
        body = body if isinstance(body, (bytes, str)) else json.dumps(body)
        self.client.send(mqtt.publish(topic + '/?$rid=' + rid, body, qos, self.n))
        return rid

    def response(self, rid):
        """Status, version (None without one) and body of the next message, which answers that."""
        p = self.published()
        found = p.match(r'\$iothub/twin/res/(\d+)/\?\$rid=([^&]*)(?:&\$version=(\d+))?')
        assert (p.qos, p.retain, found[2]) == (0, 0, rid)
        return int(found[1]), found[3] and int(found[3]), p.body

    def get(self, body=b''):
        status, version, body = self.response(self.send('$iothub/twin/GET', body))
        assert (status, version) == (200, None)
        return json.loads(body)

    def report(self, patch):
        status, version, body = self.response(self.send('$iothub/twin/PATCH/properties/reported', patch))
        assert (status, body) == (204, b'')
        return version

    def refused(self, patch):
        """Status and errorCode of a patch that is not taken."""
        status, version, body = self.response(self.send('$iothub/twin/PATCH/properties/reported', patch))
        error = json.loads(body)
        assert version is None
        assert set(error) == {'errorCode', 'trackingId', 'message', 'timestampUtc'}
        assert error['message'] and error['trackingId']
        assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z', error['timestampUtc'])
        return status, error['errorCode']

    def desired(self):
        p = self.published()
        found = p.match(r'\$iothub/twin/PATCH/properties/desired/\?\$version=(\d+)')
        assert (p.qos, p.retain) == (0, 0)
        version = int(found[1])
        assert p.json['$version'] == version
        return version, {k: v for k, v in p.json.items() if k != '$version'}

    # --- methods ---

    def called(self, timeout=10):
        p = self.published(timeout)
        found = p.match(r'\$iothub/methods/POST/([^/]*)/\?\$rid=(.+)')
        assert (p.qos, p.retain) == (0, 0)
        p.name, p.rid = found[1], found[2]
        return p

    def answer(self, call, status=200, body=b'', qos=0):
        self.n += 1
        body = body if isinstance(body, bytes) else json.dumps(body)
        self.client.send(mqtt.publish('$iothub/methods/res/%d/?$rid=%s' % (status, call.rid), body, qos, self.n))

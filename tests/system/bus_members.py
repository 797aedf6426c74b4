# SPDX-License-Identifier: Apache-2.0
"""Everything that hublinkd has on the bus, as conf/dbus/*.xml say it, and what each bus object has of its own.

    for member in members():
        member.path, member.interface, member.name, member.signature    # of a method
    properties(), signals()                                             # pairs of interface and name
"""

import collections
import xml.etree.ElementTree

from bus import PATH, SENSOR, SOURCE

SENSOR_PATH = PATH + '/sensor/wind'
PROPERTIES = 'org.freedesktop.DBus.Properties'
INTROSPECTABLE = 'org.freedesktop.DBus.Introspectable'
PEER = 'org.freedesktop.DBus.Peer'
OBJECT_MANAGER = 'org.freedesktop.DBus.ObjectManager'

Member = collections.namedtuple('Member', 'path interface name signature')

STANDARD = [(PROPERTIES, 'Get', 'ss'), (PROPERTIES, 'GetAll', 's'), (PROPERTIES, 'Set', 'ssv'),
            (INTROSPECTABLE, 'Introspect', ''), (PEER, 'Ping', ''), (PEER, 'GetMachineId', ''),
            (OBJECT_MANAGER, 'GetManagedObjects', '')]


def _interfaces():
    """Those that the daemon has: org.hublink1.Responder is another's."""
    for file in sorted((SOURCE / 'conf/dbus').glob('*.xml')):
        for interface in xml.etree.ElementTree.parse(file).getroot().findall('interface'):
            if interface.get('name') != 'org.hublink1.Responder':
                yield interface


def path_of(interface):
    return SENSOR_PATH if interface == SENSOR else PATH


def properties():
    return [(i.get('name'), p.get('name')) for i in _interfaces() for p in i.findall('property')]


def signals():
    return [(i.get('name'), s.get('name')) for i in _interfaces() for s in i.findall('signal')]


def members():
    found = []
    for interface in _interfaces():
        for method in interface.findall('method'):
            signature = ''.join(a.get('type') for a in method.findall('arg') if a.get('direction') == 'in')
            found.append(Member(path_of(interface.get('name')), interface.get('name'), method.get('name'), signature))
    found += [Member(PATH, *standard) for standard in STANDARD]
    found += [Member(SENSOR_PATH, *standard) for standard in STANDARD if standard[0] == PROPERTIES]
    return found

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Address - what a link's source or target names
 *
 * Without regard to case, with or without amqps://{host}[:{port}] before it, with or without the first slash (trap
 * 40). The parts are borrowed from the text and not NUL-terminated. Pure.
 */

#include "base/macro.h"

typedef enum AddressKind {
        ADDRESS_CBS,         /* $cbs */
        ADDRESS_MANAGEMENT,  /* $management, {entity}/$management */
        ADDRESS_PARTITION,   /* {entity}/ConsumerGroups/{group}/Partitions/{partition} */
        ADDRESS_HUB_EVENTS,  /* messages/events/... : the hub redirects to the entity */
        ADDRESS_DEVICEBOUND, /* messages/devicebound */
        ADDRESS_FEEDBACK,    /* messages/servicebound/feedback */
        ADDRESS_UNKNOWN,
} AddressKind;

typedef struct AddressPart {
        const char *data; /* NULL: there is none */
        size_t size;
} AddressPart;

typedef struct Address {
        AddressKind kind;
        AddressPart entity;    /* of MANAGEMENT (it may have none) and PARTITION */
        AddressPart group;     /* of PARTITION */
        AddressPart partition; /* likewise, a number in decimal */
        AddressPart rest;      /* of HUB_EVENTS: what follows messages/events */
        const char *path;      /* what follows the host: "hub1/ConsumerGroups/..." */
} Address;

/* NULL is UNKNOWN, as all that is not known. */
Address address_parse(const char *text);

/* Of a resource or audience: host[:port]/path, with or without a scheme before it. */
AddressPart address_host(const char *resource);
const char *address_path_behind_host(const char *resource); /* without leading slashes */

/* What follows the host of an address; one without a scheme has none. Without leading slashes. */
const char *address_path(const char *address);

bool address_part_is(AddressPart part, const char *word); /* without regard to case */

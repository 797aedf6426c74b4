/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Identity - who we are to which hub, in the words of the wire
 *
 * Made once of a connection string and the settings: everything that a connection needs and that stays the
 * same from one to the next. Two identities that are equal need no new connection.
 *
 * HostName stands in username and token. GatewayHostName, if given, changes where TCP goes and which name TLS
 * asks for; the setting `address` changes only where TCP goes.
 *
 * Holds a secret: never printed, wiped when freed.
 */

#include "azure/connection-string.h"
#include "hub/hub.h"

#define IDENTITY_PORT         8883
#define IDENTITY_PRODUCT_INFO "hublink/" HUBLINK_VERSION

typedef struct Identity {
        char *host;      /* HostName */
        char *tls_name;  /* GatewayHostName or HostName */
        char *address;   /* of the TCP target; NULL: tls_name */
        uint16_t port;
        char *ca_file;   /* NULL: the system's */
        char *client_id; /* device, or device/module */
        char *username;
        char *resource;  /* what the token is for */
        char *key;       /* secret, base64 */
        char *policy;    /* or NULL */
        char *topic;     /* of telemetry; the bag follows */
        char *devicebound; /* the filter of cloud messages */
        usec_t keepalive_usec;
        usec_t token_life_usec;
} Identity;

/* -ENOMEM; -EINVAL with *ret_error in words (static): what is missing, or an address that is none. */
int identity_new(Identity **ret, const HubSettings *settings, const ConnectionString *credential,
                 const char **ret_error);
Identity *identity_free(Identity *identity);
DEFINE_CLEANUP(Identity *, identity_free);
bool identity_equal(const Identity *a, const Identity *b); /* both may be NULL */

/* A token that ends token_life after now (wall clock). Appends to b, which the caller wipes. */
int identity_make_token(const Identity *identity, usec_t wall_now, Buffer *b);

/* "host:port", "[v6]:port", or "host" alone for port 8883. -EINVAL. */
int identity_parse_address(const char *text, char **ret_host, uint16_t *ret_port);

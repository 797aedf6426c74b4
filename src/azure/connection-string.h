/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Connection string - who we are and where the hub is
 *
 * HostName, DeviceId, ModuleId, SharedAccessKey, SharedAccessKeyName, GatewayHostName, x509=true: `;` between
 * the pairs, the first `=` of a pair divides it, names without regard to case. Pure.
 *
 * Holds a secret: never printed, wiped when freed.
 */

#include "base/macro.h"

typedef struct ConnectionString {
        char *host_name;
        char *device_id;              /* NULL in a service's string */
        char *module_id;              /* or NULL */
        char *shared_access_key;      /* base64; NULL with x509 */
        char *shared_access_key_name; /* or NULL */
        char *gateway_host_name;      /* changes the TCP and TLS host only; or NULL */
        bool x509;
} ConnectionString;

/* Gives a new one. -EINVAL with *ret_error saying what is wrong (static text, without the secret). Blanks and a
 * line end around the text are allowed. */
int connection_string_parse(const char *text, ConnectionString **ret, const char **ret_error);
ConnectionString *connection_string_free(ConnectionString *cs);
DEFINE_CLEANUP(ConnectionString *, connection_string_free);

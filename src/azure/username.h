/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Username - what stands in the MQTT CONNECT beside the token
 *
 * {host}/{device}[/{module}]/?api-version=2021-04-12&DeviceClientType={product}[&model-id={dtmi}]
 * The ids are literal; the values of the query are percent-encoded. Pure.
 */

#include "base/buffer.h"

#define USERNAME_API_VERSION "2021-04-12"

/* module_id, product_info and model_id may be NULL: then they are left out. */
void username_make(Buffer *b, const char *host, const char *device_id, const char *module_id,
                   const char *product_info, const char *model_id);

typedef struct Username {
        char *host;
        char *device_id;
        char *module_id;          /* or NULL */
        char *api_version;        /* or NULL: the hub refuses */
        char *device_client_type; /* decoded; or NULL */
        char *model_id;           /* decoded; or NULL */
} Username;

/* As a hub reads it: any order, unknown keys ignored, the first of duplicates, with or without the `?`.
 * -EBADMSG: not the username of a device or module. */
int username_parse(const char *text, Username *ret);
void username_done(Username *u);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Identity - who may connect, and with which keys
 *
 * A device, or a module of one; and the policies whose keys stand for many. Plain data.
 *
 * Holds secrets: wiped when done.
 */

#include "base/buffer.h"

#define IDENTITY_ID_MAX 128

typedef struct Identity {
        char *device_id;
        char *module_id; /* NULL: the device itself */
        char *primary_key; /* base64 of 32 bytes */
        char *secondary_key;
        char *generation_id; /* another one when an id is deleted and created again */
} Identity;

void identity_done(Identity *identity);

typedef struct Policy {
        char *primary_key;
        char *secondary_key;
        bool device_connect; /* it may connect as any device */
} Policy;

void policy_done(Policy *policy);

/* The characters that IoT Hub allows in the id of a device or module. */
bool identity_id_is_valid(const char *id);

/* "d" or "d/m" into its two parts; *ret_module_id is NULL for a device. -EINVAL for what no id can be. */
int identity_parse(const char *text, char **ret_device_id, char **ret_module_id);

/* Appends the connection string, key and all. */
void identity_connection_string(const Identity *identity, const char *host, Buffer *b);

/* Appends "d" or "d/m". */
void identity_name(const char *device_id, const char *module_id, Buffer *b);

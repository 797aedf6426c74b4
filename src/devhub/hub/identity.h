/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Identity - who may connect, and how it proves to be the one
 *
 * A device, or a module of one. Plain data.
 *
 * Holds secrets: wiped when done.
 */

#include "base/buffer.h"
#include "base/clock.h"

#define IDENTITY_ID_MAX     128
#define IDENTITY_REASON_MAX 128

typedef enum Authentication {
        AUTHENTICATION_SAS,
        AUTHENTICATION_SELF_SIGNED,           /* a certificate, known by its thumbprint */
        AUTHENTICATION_CERTIFICATE_AUTHORITY, /* a certificate that a known authority has signed */
        AUTHENTICATION_NONE,
        _AUTHENTICATION_MAX,
        _AUTHENTICATION_INVALID = -1,
} Authentication;

const char *authentication_to_string(Authentication authentication); /* "selfSigned" */
Authentication authentication_from_string(const char *text);         /* without regard to case */

typedef struct Identity {
        char *device_id;
        char *module_id; /* NULL: the device itself */
        char *primary_key; /* base64 of 16 to 64 bytes; "" unless it is authenticated by keys */
        char *secondary_key;
        char *generation_id; /* another one when an id is deleted and created again */

        char *etag; /* another one at each change */
        bool disabled; /* of a module: its device is */
        char *status_reason; /* or NULL */
        usec_t status_usec; /* wall clock: when it was enabled or disabled; 0: never */
        Authentication authentication;
        char *primary_thumbprint; /* hexadecimal, upper case; or NULL */
        char *secondary_thumbprint;
        bool is_edge;
        char *managed_by; /* of a module; or NULL */
} Identity;

/* An enabled identity with keys, which the registry makes. -ENOMEM. */
int identity_init(Identity *identity, const char *device_id, const char *module_id);
void identity_done(Identity *identity);

/* Does what an If-Match header says fit the etag? A star does, quotes count for nothing. */
bool identity_etag_matches(const Identity *identity, const char *if_match);

/* The characters that IoT Hub allows in the id of a device or module. */
bool identity_id_is_valid(const char *id);

/* "d" or "d/m" into its two parts; *ret_module_id is NULL for a device. -EINVAL for what no id can be. */
int identity_parse(const char *text, char **ret_device_id, char **ret_module_id);

/* Appends the connection string, key and all. */
void identity_connection_string(const Identity *identity, const char *host, Buffer *b);

/* Appends "d" or "d/m". */
void identity_name(const char *device_id, const char *module_id, Buffer *b);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Token - the shared access signature of IoT Hub and DPS
 *
 * SharedAccessSignature sr={resource}&sig={signature}&se={expiry}[&skn={policy}]
 *
 * The signature is HMAC-SHA256 of the sr text exactly as it stands in the token, a line feed and the expiry,
 * with the base64-decoded key. Pure; OpenSSL's HMAC inside.
 *
 * A token is a secret until it expires: its Buffer is one for secret_buffer_done().
 */

#include "base/buffer.h"
#include "base/clock.h"

/* key: base64. resource: not yet encoded, such as "hub.azure-devices.net/devices/dev1". policy: NULL for the
 * identity's own key. expiry: Unix seconds. Appends to b, or leaves it: -EINVAL when the key is not base64. */
int token_make(Buffer *b, const char *key, const char *resource, const char *policy, uint64_t expiry);

/* The parts of a token, cut but not decoded where the signature needs the raw bytes. */
typedef struct Token {
        char *raw_resource; /* as it stands in the token: what was signed */
        char *resource;     /* decoded */
        char *signature;    /* base64, decoded from percent */
        char *policy;       /* decoded; NULL: the identity's own key */
        uint64_t expiry;    /* Unix seconds */
} Token;

/* Any order of fields, unknown ones ignored. -EBADMSG for what is no token, or says a thing twice. */
int token_parse(const char *text, Token *ret);
void token_done(Token *t);

/* Was it signed with this base64 key? Constant time. */
bool token_is_signed_by(const Token *t, const char *key);
bool token_is_signed_by_either(const Token *t, const char *primary, const char *secondary);
/* Was it signed with the text of this key, not decoded? So are those of Event Hubs. */
bool token_is_signed_by_text(const Token *t, const char *key);

/* Wall clock; USEC_INFINITY for an expiry that is past what can be counted. */
usec_t token_ends_usec(const Token *t);

/* Does the resource cover path at a segment limit? "{h}" covers "{h}/devices/d"; "{h}/devices/d/anything" is
 * taken for "{h}/devices/d" as well (protocol reference 1.4). */
bool token_covers(const Token *t, const char *path);

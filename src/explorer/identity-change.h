/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Identity change - what the options of create and update make of an identity's record
 */

#include "explorer/json-text.h"
#include "explorer/words.h"

/* The options of both, for their tables. */
#define IDENTITY_OPTIONS                                                                                             \
        {"status", "STATUS", "enabled or disabled: a disabled one may not connect", 0},                              \
        {"status-reason", "TEXT", "why, for whoever looks next", 0},                                                 \
        {"primary-key", "KEY", "base64 of 16 to 64 bytes, or @FILE that holds it", OPTION_SECRET},                   \
        {"secondary-key", "KEY", "the same, for the other key", OPTION_SECRET},                                      \
        {"primary-thumbprint", "HEX", "it logs in with the certificate of this SHA-1 or SHA-256", 0},                \
        {"secondary-thumbprint", "HEX", "or of this one", 0},                                                        \
        {"x509-ca", NULL, "it logs in with a certificate of an authority that the hub knows", 0},                    \
        {"edge", "yes|no", "whether it is an IoT Edge device", 0}

/* Changes the record. EXPLORER_OK, or having complained. */
int identity_change(const Words *w, json_object *record);

/* --renew-key WHICH: of an identity with keys. */
int identity_renew_keys(const Words *w, json_object *record);

/* A record for create: of a device or module with keys that the hub is to draw, which is what empty ones say. */
json_object *identity_new(const char *id);

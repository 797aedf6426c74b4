/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Access - what opens the hub to this gateway: a connection string, or what the provisioning service wants to know
 *
 * Made of what somebody typed or a file held, checked before anything of it is stored, and turned into the texts that
 * hublinkd and its unit need. Pure.
 *
 * Owns:   the secret, which is wiped; never printed.
 */

#include "base/buffer.h"

#define ACCESS_SECRET_MAX 4096

typedef enum AccessKind {
        ACCESS_CONNECTION_STRING,
        ACCESS_KEY,       /* of the device, for the provisioning service */
        ACCESS_GROUP_KEY, /* of an enrollment group */
        _ACCESS_KIND_MAX,
} AccessKind;

typedef struct Access {
        AccessKind kind;
        const char *id_scope, *registration_id; /* for a key; borrowed */
        Buffer secret;
} Access;

void access_done(Access *a);

/* The name of its systemd credential. */
const char *access_name(AccessKind kind);
/* In words, for questions and reports. */
const char *access_noun(AccessKind kind);

/* In words what is wrong with it; NULL: nothing. */
const char *access_wrong_id_scope(const char *text);
const char *access_wrong_registration_id(const char *text);

/* Is it what it should be? What is around the secret where it was copied from goes: blanks, quotes, a mark of the byte
 * order, and what names a connection string. 0; -EINVAL with *ret_error in words, without the secret; -ENOMEM. */
int access_check(Access *a, const char **ret_error);

/* For conf.d: nothing for a connection string, which the settings expect by themselves. */
void access_put_settings(const Access *a, Buffer *b);
/* A drop-in of the unit: where its credential lies, or who opens it, and the id that it is known by. Where it is gone
 * hublinkd starts all the same. */
void access_put_unit(AccessKind kind, const char *path, bool encrypted, const char *id, Buffer *b);
/* The file that it hands over, once hublink-credential@NAME.service has opened the encrypted one. */
#define ACCESS_OPENED "/run/hublink-credential-%s/opened"

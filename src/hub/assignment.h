/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Assignment - which hub the provisioning service gave us, and under what name
 *
 * Remembered on disk as one line of JSON, so that a start needs no service. It counts for the registration that it was
 * given to, and for no other. No secret is in it. Pure.
 */

#include "base/buffer.h"

#define ASSIGNMENT_SIZE_MAX 4096 /* of the text */

typedef struct Assignment {
        char *registration; /* "{id scope}/registrations/{id}" */
        char *host;         /* of the hub */
        char *device_id;
} Assignment;

/* -EINVAL: no name of a host, or none of a device, can look like this. */
int assignment_new(Assignment **ret, const char *registration, const char *host, const char *device_id);
Assignment *assignment_free(Assignment *a);
DEFINE_CLEANUP(Assignment *, assignment_free);
bool assignment_equal(const Assignment *a, const Assignment *b); /* both may be NULL */

void assignment_write(const Assignment *a, Buffer *b);
/* -EBADMSG: the text is none. */
int assignment_read(Assignment **ret, const char *text, size_t size);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Twin patch - what may be written into a section of a twin, and what becomes of it
 *
 * A patch is merged member by member: an object into an object, null deletes, anything else replaces. Whatever is
 * touched, and all above it, is stamped in the metadata, a tree of the same shape. The limits are those of protocol
 * reference 5.2. Pure: the time is given.
 */

#include <json-c/json.h>

#include "base/buffer.h"
#include "base/clock.h"

typedef enum TwinSectionKind {
        TWIN_TAGS,     /* of the service alone; without metadata */
        TWIN_DESIRED,  /* the service writes, the device reads */
        TWIN_REPORTED, /* the device writes, the service reads */
} TwinSectionKind;

typedef struct TwinSection {
        TwinSectionKind kind;
        json_object *values;   /* an object */
        json_object *metadata; /* likewise; NULL for tags */
        uint64_t version;
} TwinSection;

enum {
        _TWIN_PATCH_E_SUCCESS,
        TWIN_PATCH_E_INVALID, /* the words appended to error say where and why */
};

/* life: as in a twin that nobody has written to yet */
int twin_section_init(TwinSection *s, TwinSectionKind kind);
void twin_section_done(TwinSection *s);

/* A patch from what was given (NULL: JSON's null), a copy. In the desired section $version and $metadata are passed
 * over: clients send back what they read. */
int twin_patch_new(json_object **ret, TwinSectionKind kind, json_object *given, Buffer *error);
/* The patch that makes the section hold just what the other patch holds. */
int twin_patch_to_replace(json_object **ret, const TwinSection *s, json_object *patch);

/* All of it, with the next version, or nothing: a section that would be too large stays as it is. */
int twin_section_merge(TwinSection *s, json_object *patch, usec_t wall_now, Buffer *error);

/* What the limits count. */
size_t twin_size(json_object *value);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Bed - the document that is being planted, for those who plant its parts
 *
 * Knows where in it we are: errors begin with file, line and place.
 */

#include <json-c/json.h>
#include <string.h>

#include "devhub/seed/seed.h"

typedef enum BedStage {
        BED_AT_ONCE,   /* all in one transaction */
        BED_REHEARSAL, /* nothing is kept but the tally, and which items are as they were */
        BED_SLICES,    /* the others, some at a time */
} BedStage;

typedef struct Bed {
        Store *store;
        BedStage stage;
        const SeedOrder *order;
        SeedTally tally;
        uint64_t n_committed; /* things of this stage, new or changed */
        usec_t began_usec;    /* the open slice */
        Buffer place;      /* "devices[3].modules[0]" */
        json_object *seen; /* what has been planted, by kind and id: twice in one document is a mistake */
        /* of the open transaction: [{"device", "module", "disabled", "credentials", "desired"}] */
        json_object *changed;
        Buffer *error;
} Bed;

/* "seed.json:12: devices[3]: ..." -EBADMSG, or -ENOMEM. */
int bed_refuse(Bed *bed, const char *fmt, ...) _printf_(2, 3);

/* Into a member or an item of where we are (index: -1 for a member), and back out to what it returned. */
size_t bed_enter(Bed *bed, const char *name, long index);
void bed_leave(Bed *bed, size_t before);

/* Is it an object whose members all have one of these names (NULL ends)? */
int bed_check_object(Bed *bed, json_object *object, const char *const names[]);
/* A member that is a text; *ret NULL: it is not there, or null. */
int bed_text(Bed *bed, json_object *object, const char *name, const char **ret);
/* The same id of this kind a second time is refused. */
int bed_check_once(Bed *bed, const char *kind, const char *id);
/* NULL is a text of its own. */
static inline bool bed_differ(const char *a, const char *b)
{
        return a && b ? strcmp(a, b) != 0 : a != b;
}
/* It is there and is another one: replaced, or refused by the member that differs. 0: replace it. */
int bed_may_replace(Bed *bed, const char *member);

int bed_plant_device(Bed *bed, json_object *device);
int bed_plant_enrollment(Bed *bed, json_object *enrollment);
int bed_plant_group(Bed *bed, json_object *group);
int bed_plant_authority(Bed *bed, json_object *authority);

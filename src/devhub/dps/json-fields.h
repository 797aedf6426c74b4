/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * JSON fields - members put into an object that is being made
 */

#include <json-c/json.h>

#include "base/clock.h"

int json_put_text(json_object *object, const char *name, const char *text); /* NULL: nothing is put */
int json_put_time(json_object *object, const char *name, usec_t wall_usec);
json_object *json_put_object(json_object *object, const char *name); /* an empty one, borrowed; NULL: no memory */

/* Gives the object, or frees it and gives NULL when r says that it could not be filled. */
json_object *json_whole(json_object *object, int r);

/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/dps/json-fields.h"

#include "base/iso-time.h"
#include "model/json-read.h"

int json_put_text(json_object *object, const char *name, const char *text)
{
        return text ? json_put(object, name, json_object_new_string(text)) : 0;
}

int json_put_time(json_object *object, const char *name, usec_t wall_usec)
{
        char text[ISO_TIME_MAX];

        (void)iso_time_format_7(wall_usec, text);
        return json_put_text(object, name, text);
}

json_object *json_put_object(json_object *object, const char *name)
{
        json_object *value = json_object_new_object();

        return value && json_put(object, name, value) >= 0 ? value : NULL;
}

json_object *json_whole(json_object *object, int r)
{
        if (r >= 0)
                return object;
        (void)json_object_put(object);
        return NULL;
}

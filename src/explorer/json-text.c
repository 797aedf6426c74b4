/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/json-text.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define DEPTH_MAX 64 /* of a twin: ten of its own, the same again in $metadata, and what is around them */

int json_text_parse(const char *text, size_t size, json_object **ret, size_t *ret_at)
{
        struct json_tokener *t;
        json_object *o;
        size_t end;
        bool whole;

        if (size >= INT_MAX)
                return -EBADMSG;
        t = json_tokener_new_ex(DEPTH_MAX);
        if (!t)
                return -ENOMEM;
        json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS | JSON_TOKENER_VALIDATE_UTF8);
        /* a number at the very end is only known to be whole by what follows it: the NUL */
        o = json_tokener_parse_ex(t, text, (int)size + 1);
        whole = json_tokener_get_error(t) == json_tokener_success;
        end = json_tokener_get_parse_end(t);
        json_tokener_free(t);
        while (whole && end < size && strchr(" \t\r\n", text[end]))
                end++;
        if (whole && end >= size) {
                *ret = o;
                return 0;
        }
        (void)json_object_put(o);
        if (ret_at)
                *ret_at = MIN(end, size);
        return -EBADMSG;
}

json_object *json_member(json_object *o, const char *name)
{
        json_object *value;

        return json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, name, &value) ? value : NULL;
}

json_object *json_object_member(json_object *o, const char *name)
{
        json_object *value = json_member(o, name);

        return json_object_is_type(value, json_type_object) ? value : NULL;
}

const char *json_text_of(json_object *o, const char *name)
{
        json_object *value = json_member(o, name);

        return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

void json_put(json_object *o, const char *name, json_object *value, bool *ok)
{
        if (value && o && json_object_object_add(o, name, value) == 0)
                return;
        (void)json_object_put(value);
        *ok = false;
}

void json_put_text(json_object *o, const char *name, const char *text, bool *ok)
{
        json_put(o, name, json_object_new_string(text), ok);
}

json_object *json_object_made(json_object *o, const char *name, bool *ok)
{
        if (!json_object_member(o, name))
                json_put(o, name, json_object_new_object(), ok);
        return json_object_member(o, name);
}

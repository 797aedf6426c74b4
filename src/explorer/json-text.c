/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/json-text.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "model/json-grammar.h"

/* The grammar is strict, so json-c need not be: its version 0.18 then refuses whatever is not ASCII. */
static int parse(const char *text, size_t size, json_object **ret)
{
        struct json_tokener *t = json_tokener_new_ex(JSON_DEPTH_MAX + 1);
        json_object *o;
        bool whole;

        if (!t)
                return -ENOMEM;
        /* a number at the very end is only known to be whole by what follows it: the NUL */
        o = json_tokener_parse_ex(t, text, (int)size + 1);
        whole = json_tokener_get_error(t) == json_tokener_success;
        json_tokener_free(t);
        if (whole)
                *ret = o;
        else
                (void)json_object_put(o);
        return whole ? 0 : -EBADMSG;
}

int json_text_parse(const char *text, size_t size, json_object **ret, size_t *ret_at)
{
        size_t at = 0;
        int r = size >= INT_MAX || json_grammar_fault_at(text, size, &at) ? -EBADMSG : parse(text, size, ret);

        if (r == -EBADMSG && ret_at)
                *ret_at = at;
        return r;
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

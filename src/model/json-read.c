/* SPDX-License-Identifier: Apache-2.0 */
#include "model/json-read.h"

#include <errno.h>
#include <math.h>

#include "model/json-grammar.h"

static void free_tokener(json_tokener **tokener)
{
        if (*tokener)
                json_tokener_free(*tokener);
}

/* json-c takes one that is too large for infinity. */
static bool has_numbers_only(json_object *value)
{
        if (json_object_is_type(value, json_type_object)) {
                json_object_object_foreach(value, name, member)
                {
                        (void)name;
                        if (!has_numbers_only(member))
                                return false;
                }
        } else if (json_object_is_type(value, json_type_array)) {
                for (size_t i = 0; i < json_object_array_length(value); i++)
                        if (!has_numbers_only(json_object_array_get_idx(value, i)))
                                return false;
        } else if (json_object_is_type(value, json_type_double)) {
                return isfinite(json_object_get_double(value));
        }
        return true;
}

int json_read(const char *text, size_t size, json_object **ret, const char **ret_error)
{
        _cleanup_(free_tokener) json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX + 1);
        json_object *value;

        *ret_error = "";
        if (!tokener)
                return -ENOMEM;
        *ret_error = size > INT32_MAX ? "it is too long" : json_grammar_fault(text, size);
        if (*ret_error)
                return -EBADMSG;
        /* not STRICT: the grammar is, and json-c 0.18 then refuses whatever is not ASCII */
        value = json_tokener_parse_ex(tokener, text, (int)size);
        /* a number may go on until the text is known to have ended */
        if (json_tokener_get_error(tokener) == json_tokener_continue)
                value = json_tokener_parse_ex(tokener, "", 1);
        if (json_tokener_get_error(tokener) != json_tokener_success) {
                *ret_error = json_tokener_error_desc(json_tokener_get_error(tokener));
                return -EBADMSG;
        }
        if (!has_numbers_only(value)) {
                *ret_error = "it has a number that is too large";
                json_object_put(value);
                return -EBADMSG;
        }
        *ret = value;
        return 0;
}

int json_read_within(const char *text, size_t size, size_t values_max, json_object **ret, const char **ret_error)
{
        if (!json_grammar_is_within(text, size, values_max)) {
                *ret_error = "it has too many values";
                return -E2BIG;
        }
        return json_read(text, size, ret, ret_error);
}

void json_write(Buffer *b, json_object *value)
{
        size_t size;
        const char *text = json_object_to_json_string_length(
                value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size);

        if (text)
                buffer_append(b, text, size);
        else
                b->error = -ENOMEM;
}

int json_put(json_object *object, const char *name, json_object *value)
{
        if (!value)
                return -ENOMEM;
        if (json_object_object_add(object, name, value) < 0) {
                json_object_put(value);
                return -ENOMEM;
        }
        return 0;
}

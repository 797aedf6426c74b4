/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/query-value.h"

#include <math.h>
#include <string.h>

static Value number(double x)
{
        return isfinite(x) ? (Value){.kind = VALUE_NUMBER, .number = x} : (Value){};
}

Value value_of(json_object *o)
{
        switch (json_object_get_type(o)) {
        case json_type_null:
                return (Value){.kind = VALUE_NULL};
        case json_type_boolean:
                return value_truth(json_object_get_boolean(o));
        case json_type_int:
        case json_type_double:
                return number(json_object_get_double(o));
        case json_type_string:
                return (Value){.kind = VALUE_TEXT,
                               .text = json_object_get_string(o),
                               .size = (size_t)json_object_get_string_len(o)};
        case json_type_object:
                return (Value){.kind = VALUE_OBJECT};
        case json_type_array:
                break;
        }
        return (Value){.kind = VALUE_ARRAY};
}

/* ---- comparisons ---- */

static int order_texts(Value a, Value b)
{
        int order = memcmp(a.text, b.text, MIN(a.size, b.size));

        return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* False: they do not compare. */
static bool order(Value a, Value b, int *ret)
{
        if (a.kind != b.kind)
                return false;
        switch (a.kind) {
        case VALUE_NULL:
                *ret = 0;
                return true;
        case VALUE_BOOL:
                *ret = (int)a.truth - (int)b.truth;
                return true;
        case VALUE_NUMBER:
                *ret = (a.number > b.number) - (a.number < b.number);
                return true;
        case VALUE_TEXT:
                *ret = order_texts(a, b);
                return true;
        default:
                return false;
        }
}

/* Whatever is there differs from null. */
static bool differ_by_null(Value a, Value b)
{
        return a.kind != b.kind && a.kind != VALUE_UNDEFINED && b.kind != VALUE_UNDEFINED &&
               (a.kind == VALUE_NULL || b.kind == VALUE_NULL);
}

Value value_compare(QueryOperator operator, Value a, Value b)
{
        int o;

        if (operator == QUERY_UNEQUAL && differ_by_null(a, b))
                return value_truth(true);
        if (!order(a, b, &o))
                return (Value){};
        switch (operator) {
        case QUERY_EQUAL:
                return value_truth(o == 0);
        case QUERY_UNEQUAL:
                return value_truth(o != 0);
        case QUERY_LESS:
                return value_truth(o < 0);
        case QUERY_AT_MOST:
                return value_truth(o <= 0);
        case QUERY_GREATER:
                return value_truth(o > 0);
        default:
                return value_truth(o >= 0);
        }
}

Value value_is_in(Value v, json_object *list)
{
        int o;

        if (v.kind == VALUE_UNDEFINED)
                return v;
        for (size_t i = 0; i < json_object_array_length(list); i++)
                if (order(v, value_of(json_object_array_get_idx(list, i)), &o) && o == 0)
                        return value_truth(true);
        return value_truth(false);
}

Value value_calculate(QueryOperator operator, Value a, Value b)
{
        if (a.kind != VALUE_NUMBER || b.kind != VALUE_NUMBER)
                return (Value){};
        switch (operator) {
        case QUERY_PLUS:
                return number(a.number + b.number);
        case QUERY_MINUS:
                return number(a.number - b.number);
        case QUERY_TIMES:
                return number(a.number * b.number);
        case QUERY_OVER:
                return b.number == 0 ? (Value){} : number(a.number / b.number);
        default:
                return b.number == 0 ? (Value){} : number(fmod(a.number, b.number));
        }
}

/* ---- functions ---- */

/* In characters, as people count, not in bytes. */
static size_t characters(const char *text, size_t size)
{
        size_t n = 0;

        for (size_t i = 0; i < size; i++)
                n += ((unsigned char)text[i] & 0xc0) != 0x80;
        return n;
}

/* Where the character n begins; the end, if there are not so many. */
static size_t place_of(const char *text, size_t size, double n)
{
        size_t i = 0;

        for (; i < size; i++)
                if (((unsigned char)text[i] & 0xc0) != 0x80 && --n < 0)
                        break;
        return i;
}

static Value substring(Value text, Value start, Value n)
{
        size_t from;

        if (text.kind != VALUE_TEXT || start.kind != VALUE_NUMBER || n.kind != VALUE_NUMBER || start.number < 0 ||
            n.number < 0)
                return (Value){};
        from = place_of(text.text, text.size, floor(start.number));
        return (Value){.kind = VALUE_TEXT,
                       .text = text.text + from,
                       .size = place_of(text.text + from, text.size - from, floor(n.number))};
}

static Value find_part(QueryFunction function, Value text, Value part)
{
        size_t at;

        if (text.kind != VALUE_TEXT || part.kind != VALUE_TEXT)
                return (Value){};
        if (function == QUERY_CONTAINS)
                return value_truth(part.size == 0 || memmem(text.text, text.size, part.text, part.size));
        if (part.size > text.size)
                return value_truth(false);
        at = function == QUERY_ENDSWITH ? text.size - part.size : 0;
        return value_truth(memcmp(text.text + at, part.text, part.size) == 0);
}

static bool is_kind(QueryFunction function, ValueKind kind)
{
        switch (function) {
        case QUERY_IS_DEFINED:
                return kind != VALUE_UNDEFINED;
        case QUERY_IS_STRING:
                return kind == VALUE_TEXT;
        case QUERY_IS_NUMBER:
                return kind == VALUE_NUMBER;
        case QUERY_IS_BOOL:
                return kind == VALUE_BOOL;
        case QUERY_IS_OBJECT:
                return kind == VALUE_OBJECT;
        case QUERY_IS_ARRAY:
                return kind == VALUE_ARRAY;
        case QUERY_IS_NULL:
                return kind == VALUE_NULL;
        default:
                return kind != VALUE_UNDEFINED && kind != VALUE_OBJECT && kind != VALUE_ARRAY;
        }
}

Value value_call(QueryFunction function, const Value operands[static QUERY_OPERANDS_MAX])
{
        switch (function) {
        case QUERY_STARTSWITH:
        case QUERY_ENDSWITH:
        case QUERY_CONTAINS:
                return find_part(function, operands[0], operands[1]);
        case QUERY_LENGTH:
                return operands[0].kind == VALUE_TEXT ? number((double)characters(operands[0].text, operands[0].size))
                                                      : (Value){};
        case QUERY_SUBSTRING:
                return substring(operands[0], operands[1], operands[2]);
        default:
                return value_truth(is_kind(function, operands[0].kind));
        }
}

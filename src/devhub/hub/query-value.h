/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Query value - what a part of an expression comes to, and how values compare
 *
 * Texts are borrowed from the document or from the query. Pure.
 */

#include "devhub/hub/query-core.h"

typedef enum ValueKind {
        VALUE_UNDEFINED,
        VALUE_NULL,
        VALUE_BOOL,
        VALUE_NUMBER,
        VALUE_TEXT,
        VALUE_OBJECT, /* nothing compares with it */
        VALUE_ARRAY,  /* nor with this */
} ValueKind;

typedef struct Value {
        ValueKind kind;
        bool truth;
        double number;
        const char *text;
        size_t size;
} Value;

Value value_of(json_object *o);
static inline Value value_truth(bool truth)
{
        return (Value){.kind = VALUE_BOOL, .truth = truth};
}

Value value_compare(QueryOperator operator, Value a, Value b);
Value value_calculate(QueryOperator operator, Value a, Value b);
Value value_is_in(Value v, json_object *list);
/* As many operands as the function takes. */
Value value_call(QueryFunction function, const Value operands[static QUERY_OPERANDS_MAX]);

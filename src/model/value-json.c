/* SPDX-License-Identifier: Apache-2.0 */
#include "model/value-json.h"

#include "base/json.h"

void value_to_json(const Value *v, Buffer *b)
{
        switch (v->kind) {
        case VALUE_NUMBER:
                json_number(b, v->number);
                break;
        case VALUE_INTEGER:
                json_integer(b, v->integer);
                break;
        case VALUE_BOOLEAN:
                buffer_append_string(b, v->boolean ? "true" : "false");
                break;
        case VALUE_TEXT:
                json_string(b, v->text);
                break;
        case _VALUE_KIND_MAX:
                break;
        }
}

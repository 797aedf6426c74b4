/* SPDX-License-Identifier: Apache-2.0 */
#include "model/method-desk.h"

#include "base/json.h"

void method_error_write(Buffer *b, const char *text)
{
        buffer_append_string(b, "{\"error\":");
        json_string(b, text);
        buffer_append_char(b, '}');
}

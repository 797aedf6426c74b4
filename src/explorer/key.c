/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/key.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/base64.h"
#include "base/secret.h"
#include "explorer/file.h"
#include "explorer/output.h"

#define KEY_SIZE 32
#define SIZE_LEAST 16
#define SIZE_MOST  64
#define FILE_MAX   256

static void trim(Buffer *b)
{
        while (b->size > 0 && strchr(" \t\r\n", b->data[b->size - 1]))
                buffer_truncate(b, b->size - 1);
}

static bool is_key(const Buffer *b)
{
        _cleanup_(secret_buffer_done) Buffer bytes = BUFFER_NULL;

        return b->size > 0 && base64_decode(&bytes, b->data, b->size) == 0 && bytes.size >= SIZE_LEAST &&
               bytes.size <= SIZE_MOST;
}

int key_of_option(const Words *w, const char *option, Buffer *b)
{
        const char *value = words_value(w, option);
        char what[64];
        int r;

        if (!value)
                return EXPLORER_OK;
        if (value[0] == '@') {
                (void)snprintf(what, sizeof(what), "--%s", option);
                r = file_read_operand(b, what, value + 1, FILE_MAX);
                if (r != EXPLORER_OK)
                        return r;
                trim(b);
        } else {
                buffer_append_string(b, value);
        }
        if (buffer_error(b))
                return out_of_memory();
        return is_key(b) ? EXPLORER_OK
                         : bad_usage("--%s takes base64 of %d to %d bytes, or @FILE that holds it", option, SIZE_LEAST,
                                     SIZE_MOST);
}

int key_draw(Buffer *b)
{
        uint8_t bytes[KEY_SIZE];
        bool drawn = getrandom(bytes, sizeof(bytes), 0) == sizeof(bytes);

        if (drawn)
                base64_encode(b, bytes, sizeof(bytes));
        explicit_bzero(bytes, sizeof(bytes));
        if (drawn && !buffer_error(b))
                return EXPLORER_OK;
        complain("no key could be drawn");
        return EXPLORER_FAILED;
}

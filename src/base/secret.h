/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Secret - keys and tokens, wiped before their memory goes back
 *
 * A Buffer that grows leaves copies of its bytes behind: give it room for all of the secret at once, with
 * buffer_extend() and buffer_truncate(), when it is to hold one.
 */

#include <string.h>

#include "base/buffer.h"

static inline char *secret_free(char *text)
{
        if (text)
                explicit_bzero(text, strlen(text));
        free(text);
        return NULL;
}
DEFINE_CLEANUP(char *, secret_free);

static inline void secret_buffer_done(Buffer *b)
{
        if (b->data)
                explicit_bzero(b->data, b->allocated);
        buffer_done(b);
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The record of a C2D message, of any bytes. What is taken for one, written again, is the same bytes.
 */

#include <string.h>

#include "fuzz.h"
#include "model/c2d-message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(c2d_message_freep) C2dMessage *m = NULL;
        Buffer b = BUFFER_NULL;

        if (c2d_message_decode(data, size, &m) != 0)
                return 0;
        (void)c2d_message_size(m);
        c2d_message_encode(m, &b);
        promise(b.size == size && memcmp(b.data, data, size) == 0);
        buffer_done(&b);
        return 0;
}

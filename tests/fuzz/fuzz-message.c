/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The record of a message, of any bytes. What is taken for one, written again, is the same bytes.
 */

#include <string.h>

#include "fuzz.h"
#include "model/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(message_freep) Message *m = NULL;
        Buffer b = BUFFER_NULL;

        if (message_decode(data, size, &m) != 0)
                return 0;
        (void)message_size(m);
        message_encode(m, &b);
        promise(b.size == size && memcmp(b.data, data, size) == 0);
        buffer_done(&b);
        return 0;
}

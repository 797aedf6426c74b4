/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define STEP 16384

/* A pipe says only at its end how much it held. */
int file_read_bytes(Buffer *b, int fd, size_t most)
{
        size_t before = b->size;

        for (;;) {
                size_t step = MIN((size_t)STEP, most + 1 - (b->size - before)), at = b->size;
                char *p = buffer_extend(b, step);
                ssize_t n;

                if (!p)
                        return -ENOMEM;
                n = read(fd, p, step);
                buffer_truncate(b, at + (n > 0 ? (size_t)n : 0));
                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n == 0)
                        return 0;
                if (b->size - before > most)
                        return -EFBIG;
        }
}

int file_read(Buffer *b, int fd, size_t most)
{
        size_t before = b->size;
        int r;

        if (most <= STEP * 4) {
                if (!buffer_extend(b, most + 1))
                        return -ENOMEM;
                buffer_truncate(b, before);
        }
        r = file_read_bytes(b, fd, most);
        if (r == 0 && b->size > before && memchr(b->data + before, 0, b->size - before))
                r = -EBADMSG;
        return r;
}

int file_write(int fd, const void *data, size_t size)
{
        const char *rest = data;

        while (size > 0) {
                ssize_t n = write(fd, rest, size);

                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0) {
                        rest += n;
                        size -= (size_t)n;
                }
        }
        return 0;
}

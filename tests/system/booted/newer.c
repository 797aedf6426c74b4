/* SPDX-License-Identifier: Apache-2.0 */

/*
 * newer - makes a queue that a newer hublink wrote, and back
 *
 * usage: newer VERSION FILE...     of a lane, each of whole pages
 *
 * Every page that is no blank gets this version, and is sealed anew.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "queue/page.h"

enum { AT_CRC = 0, AT_VERSION = 4 };

static int convert(const char *path, uint8_t version)
{
        _cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);
        uint8_t bytes[PAGE_BYTES];

        for (off_t at = 0; fd >= 0; at += PAGE_BYTES) {
                ssize_t n = pread(fd, bytes, sizeof(bytes), at);

                if (n == 0)
                        return 0;
                if (n != PAGE_BYTES)
                        break;
                if (page_is_blank(bytes))
                        continue;
                bytes[AT_VERSION] = version;
                bytes_put32(bytes + AT_CRC, crc32c(0, bytes + AT_VERSION, PAGE_BYTES - AT_VERSION));
                if (pwrite(fd, bytes, sizeof(bytes), at) != PAGE_BYTES)
                        break;
        }
        perror(path);
        return 1;
}

int main(int argc, char **argv)
{
        int r = argc < 3;

        for (int i = 2; i < argc; i++)
                r |= convert(argv[i], (uint8_t)atoi(argv[1]));
        return r;
}

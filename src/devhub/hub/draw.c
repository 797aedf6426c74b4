/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/draw.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/base64.h"

#define GUID_SIZE 16
#define ETAG_SIZE 8

static int draw(void *bytes, size_t size)
{
        return getrandom(bytes, size, 0) == (ssize_t)size ? 0 : -EIO;
}

/* Version 4 of RFC 4122: drawn, and marked as such. */
int draw_guid(char **ret)
{
        uint8_t b[GUID_SIZE];
        int r;

        r = draw(b, sizeof(b));
        if (r < 0)
                return r;
        b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
        b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
        r = asprintf(ret, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
                     b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
        return r < 0 ? -ENOMEM : 0;
}

int draw_etag(char **ret)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;
        uint8_t b[ETAG_SIZE];
        int r;

        r = draw(b, sizeof(b));
        if (r < 0)
                return r;
        base64_encode(&text, b, sizeof(b));
        if (buffer_error(&text))
                return -ENOMEM;
        *ret = buffer_steal(&text);
        return *ret ? 0 : -ENOMEM;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crc32c.h"

#include <pthread.h>

#include "base/bytes.h"

#define POLYNOMIAL 0x82f63b78u /* reflected */

static uint32_t table[8][256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void table_fill(void)
{
        for (uint32_t i = 0; i < 256; i++) {
                uint32_t c = i;

                for (int k = 0; k < 8; k++)
                        c = c & 1 ? c >> 1 ^ POLYNOMIAL : c >> 1;
                table[0][i] = c;
        }
        for (uint32_t i = 0; i < 256; i++)
                for (int k = 1; k < 8; k++)
                        table[k][i] = table[0][table[k - 1][i] & 255] ^ table[k - 1][i] >> 8;
}

/* Eight bytes a step: table k holds the effect of a byte that k further bytes follow. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t size)
{
        const uint8_t *p = data;

        pthread_once(&table_once, table_fill);
        crc = ~crc;
        for (; size >= 8; size -= 8, p += 8) {
                uint32_t low = crc ^ bytes_get32(p), high = bytes_get32(p + 4);

                crc = table[7][low & 255] ^ table[6][low >> 8 & 255] ^ table[5][low >> 16 & 255] ^
                      table[4][low >> 24] ^ table[3][high & 255] ^ table[2][high >> 8 & 255] ^
                      table[1][high >> 16 & 255] ^ table[0][high >> 24];
        }
        for (; size > 0; size--)
                crc = table[0][(crc ^ *p++) & 255] ^ crc >> 8;
        return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const void *data, size_t size)
{
        const uint8_t *p = data;
        uint64_t c = ~crc;

        for (; size >= 8; size -= 8, p += 8)
                c = __builtin_ia32_crc32di(c, bytes_get64(p));
        for (; size > 0; size--)
                c = __builtin_ia32_crc32qi((uint32_t)c, *p++);
        return ~(uint32_t)c;
}
#endif

uint32_t crc32c(uint32_t crc, const void *data, size_t size)
{
#if defined(__x86_64__)
        if (__builtin_cpu_supports("sse4.2"))
                return crc32c_sse42(crc, data, size);
#endif
        return crc32c_portable(crc, data, size);
}

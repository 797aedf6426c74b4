/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Bytes - little-endian numbers of fixed width at any address
 *
 * What the disk holds must read the same on every machine: no struct is ever dumped.
 */

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define DEFINE_BYTES(bits)                                                                                           \
        static inline uint##bits##_t bytes_get##bits(const void *p)                                                  \
        {                                                                                                            \
                uint##bits##_t v;                                                                                    \
                memcpy(&v, p, sizeof(v));                                                                            \
                return le##bits##toh(v);                                                                             \
        }                                                                                                            \
        static inline void bytes_put##bits(void *p, uint##bits##_t v)                                                \
        {                                                                                                            \
                v = htole##bits(v);                                                                                  \
                memcpy(p, &v, sizeof(v));                                                                            \
        }

DEFINE_BYTES(16)
DEFINE_BYTES(32)
DEFINE_BYTES(64)

#undef DEFINE_BYTES

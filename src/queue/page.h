/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Page - the unit that the disk writes whole or not at all
 *
 * Four KiB with a checksum over everything. What is in it counts only if the checksum, the lane's identity and
 * the slot's generation (segno) are right: so the old bytes of a recycled slot cannot pass for new ones, nor
 * those of another lane. A page holds records of one epoch.
 *
 *     crc32c u32 | version u8 | kind u8 | used u16 | lane u64 | epoch u64 | segno u64 | commit u64
 *     | page_in_commit u16 | pages_in_commit u16 | records ... | zeros
 *
 * Pure: bytes in, bytes out.
 */

#include "base/macro.h"

#define PAGE_BYTES   4096
#define PAGE_HEADER  44
#define PAGE_ROOM    (PAGE_BYTES - PAGE_HEADER)
#define PAGE_VERSION 1

/* What counts up, here and in records, never gets as far: more is a lie, and one more than that would be 0. */
#define PAGE_NUMBER_MAX ((uint64_t)INT64_MAX)

/* Values are on disk. */
typedef enum PageKind {
        PAGE_HEAD = 1,     /* page 0 of a slot */
        PAGE_DATA = 2,     /* records */
        PAGE_CONT = 3,     /* the body of a big record goes on */
        PAGE_IDENTITY = 4, /* of a lane, in a file of its own */
} PageKind;

typedef struct Page {
        uint8_t kind;
        size_t used; /* bytes, the header's included */
        uint64_t lane;
        uint64_t epoch;
        uint64_t segno;
        uint64_t commit;
        unsigned page_in_commit, pages_in_commit;
} Page;

enum {
        _PAGE_E_SUCCESS,

        PAGE_E_BAD,   /* torn, foreign, never written */
        PAGE_E_NEWER, /* whole, but of a version that we do not know */
};

/* A page that is being filled knows its kind and how far it is filled; the rest of its header comes at the end. */
void page_begin(uint8_t bytes[static PAGE_BYTES], PageKind kind);
void page_set_used(uint8_t bytes[static PAGE_BYTES], size_t used);
PageKind page_kind(const uint8_t bytes[static PAGE_BYTES]);
size_t page_used(const uint8_t bytes[static PAGE_BYTES]);

/* Writes the header and the checksum around what is already in place, zeros behind it. */
void page_seal(uint8_t bytes[static PAGE_BYTES], const Page *page);
int page_open(const uint8_t bytes[static PAGE_BYTES], Page *ret);
bool page_is_blank(const uint8_t bytes[static PAGE_BYTES]);

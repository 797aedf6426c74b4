/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/page.h"

#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"

enum {
        AT_CRC = 0,
        AT_VERSION = 4,
        AT_KIND = 5,
        AT_USED = 6,
        AT_LANE = 8,
        AT_EPOCH = 16,
        AT_SEGNO = 24,
        AT_COMMIT = 32,
        AT_PAGE_IN_COMMIT = 40,
        AT_PAGES_IN_COMMIT = 42,
};

void page_begin(uint8_t bytes[static PAGE_BYTES], PageKind kind)
{
        bytes[AT_KIND] = (uint8_t)kind;
        page_set_used(bytes, PAGE_HEADER);
}

void page_set_used(uint8_t bytes[static PAGE_BYTES], size_t used)
{
        bytes_put16(bytes + AT_USED, (uint16_t)used);
}

PageKind page_kind(const uint8_t bytes[static PAGE_BYTES])
{
        return (PageKind)bytes[AT_KIND];
}

size_t page_used(const uint8_t bytes[static PAGE_BYTES])
{
        return bytes_get16(bytes + AT_USED);
}

void page_seal(uint8_t bytes[static PAGE_BYTES], const Page *page)
{
        bytes[AT_VERSION] = PAGE_VERSION;
        bytes[AT_KIND] = page->kind;
        bytes_put16(bytes + AT_USED, (uint16_t)page->used);
        bytes_put64(bytes + AT_LANE, page->lane);
        bytes_put64(bytes + AT_EPOCH, page->epoch);
        bytes_put64(bytes + AT_SEGNO, page->segno);
        bytes_put64(bytes + AT_COMMIT, page->commit);
        bytes_put16(bytes + AT_PAGE_IN_COMMIT, (uint16_t)page->page_in_commit);
        bytes_put16(bytes + AT_PAGES_IN_COMMIT, (uint16_t)page->pages_in_commit);
        memset(bytes + page->used, 0, PAGE_BYTES - page->used);
        bytes_put32(bytes + AT_CRC, crc32c(0, bytes + AT_VERSION, PAGE_BYTES - AT_VERSION));
}

int page_open(const uint8_t bytes[static PAGE_BYTES], Page *ret)
{
        size_t used = bytes_get16(bytes + AT_USED);

        if (bytes_get32(bytes + AT_CRC) != crc32c(0, bytes + AT_VERSION, PAGE_BYTES - AT_VERSION))
                return PAGE_E_BAD;
        if (bytes[AT_VERSION] > PAGE_VERSION)
                return PAGE_E_NEWER;
        if (bytes[AT_VERSION] == 0 || used < PAGE_HEADER || used > PAGE_BYTES ||
            bytes_get64(bytes + AT_SEGNO) > PAGE_NUMBER_MAX || bytes_get64(bytes + AT_COMMIT) > PAGE_NUMBER_MAX)
                return PAGE_E_BAD;
        *ret = (Page){
                .kind = bytes[AT_KIND],
                .used = used,
                .lane = bytes_get64(bytes + AT_LANE),
                .epoch = bytes_get64(bytes + AT_EPOCH),
                .segno = bytes_get64(bytes + AT_SEGNO),
                .commit = bytes_get64(bytes + AT_COMMIT),
                .page_in_commit = bytes_get16(bytes + AT_PAGE_IN_COMMIT),
                .pages_in_commit = bytes_get16(bytes + AT_PAGES_IN_COMMIT),
        };
        return 0;
}

bool page_is_blank(const uint8_t bytes[static PAGE_BYTES])
{
        for (size_t i = 0; i < PAGE_BYTES; i++)
                if (bytes[i])
                        return false;
        return true;
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Version 1 of each:
 *
 *   message   version u8 | zero u8 | times taken u16 | id u64 | received u64 | the message, to the end
 *   taken     version u8 | id u64
 *   done      version u8 | one or more of: outcome u8, and 128 for one without a message id | id u64 | key
 */

#include "flow/inbox-record.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/digest.h"

#define VERSION      1
#define MESSAGE_HEAD 20
#define TAKEN_BYTES  9
#define DONE_BYTES   (1 + 8 + INBOX_KEY_BYTES)
#define NAMELESS     0x80

/* ---- keys ---- */

bool inbox_key_is_known(const InboxKey *key)
{
        static const InboxKey none;

        return memcmp(key->bytes, none.bytes, sizeof(none.bytes)) != 0;
}

static bool say_the_same(const InboxKey *a, const InboxKey *b)
{
        return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0 && inbox_key_is_known(a);
}

bool inbox_key_equals(const InboxKey *a, const InboxKey *b)
{
        return !a->nameless && !b->nameless && say_the_same(a, b);
}

bool inbox_key_resembles(const InboxKey *a, const InboxKey *b)
{
        return a->nameless && b->nameless && say_the_same(a, b);
}

int inbox_key_of(const C2dMessage *m, const void *encoded, size_t size, InboxKey *ret)
{
        uint8_t digest[DIGEST_SHA256_SIZE];
        int r;

        *ret = (InboxKey){.nameless = !m->message_id || !*m->message_id};
        r = digest_sha256(encoded, size, digest);
        if (r < 0)
                return r;
        memcpy(ret->bytes, digest, sizeof(ret->bytes));
        return 0;
}

/* ---- messages ---- */

void inbox_message_record_encode(const InboxMessageRecord *r, Buffer *b)
{
        uint8_t head[MESSAGE_HEAD] = {VERSION};

        inbox_message_record_set_taken(head, r->times_taken);
        bytes_put64(head + 4, r->id);
        bytes_put64(head + 12, r->received_usec);
        buffer_append(b, head, sizeof(head));
        buffer_append(b, r->message, r->size);
}

int inbox_message_record_decode(const void *data, size_t size, InboxMessageRecord *ret)
{
        const uint8_t *p = data;

        if (size < MESSAGE_HEAD || p[0] != VERSION || p[1] != 0)
                return -EBADMSG;
        *ret = (InboxMessageRecord){
                .id = bytes_get64(p + 4),
                .times_taken = bytes_get16(p + 2),
                .received_usec = bytes_get64(p + 12),
                .message = p + MESSAGE_HEAD,
                .size = size - MESSAGE_HEAD,
        };
        return 0;
}

void inbox_message_record_set_taken(void *data, unsigned times_taken)
{
        bytes_put16((uint8_t *)data + 2, (uint16_t)MIN(times_taken, (unsigned)UINT16_MAX));
}

/* ---- taken ---- */

void inbox_taken_record_encode(uint64_t id, Buffer *b)
{
        uint8_t record[TAKEN_BYTES] = {VERSION};

        bytes_put64(record + 1, id);
        buffer_append(b, record, sizeof(record));
}

int inbox_taken_record_decode(const void *data, size_t size, uint64_t *ret_id)
{
        const uint8_t *p = data;

        if (size != TAKEN_BYTES || p[0] != VERSION)
                return -EBADMSG;
        *ret_id = bytes_get64(p + 1);
        return 0;
}

/* ---- done ---- */

void inbox_done_record_encode(const InboxDone *done, size_t n, Buffer *b)
{
        buffer_append_char(b, VERSION);
        for (size_t i = 0; i < n; i++) {
                uint8_t item[DONE_BYTES] = {(uint8_t)(done[i].outcome | (done[i].key.nameless ? NAMELESS : 0))};

                bytes_put64(item + 1, done[i].id);
                memcpy(item + 9, done[i].key.bytes, INBOX_KEY_BYTES);
                buffer_append(b, item, sizeof(item));
        }
}

int inbox_done_record_count(const void *data, size_t size)
{
        const uint8_t *p = data;

        if (size < 1 + DONE_BYTES || p[0] != VERSION || (size - 1) % DONE_BYTES != 0)
                return -EBADMSG;
        for (size_t at = 1; at < size; at += DONE_BYTES)
                if ((p[at] & ~NAMELESS) < INBOX_COMPLETED || (p[at] & ~NAMELESS) > INBOX_EXPIRED)
                        return -EBADMSG;
        return (int)((size - 1) / DONE_BYTES);
}

InboxDone inbox_done_record_get(const void *data, size_t i)
{
        const uint8_t *p = (const uint8_t *)data + 1 + i * DONE_BYTES;
        InboxDone done = {.id = bytes_get64(p + 1), .outcome = (InboxOutcome)(p[0] & ~NAMELESS)};

        memcpy(done.key.bytes, p + 9, INBOX_KEY_BYTES);
        done.key.nameless = (p[0] & NAMELESS) != 0;
        return done;
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a service side is answered, any bytes: as a refusal, and as the record of an identity. Whatever comes, there
 * are words for it, and nothing of it moves the cursor of a terminal.
 */

#include "base/utf8.h"
#include "base/visible.h"
#include "explorer/identity.h"
#include "explorer/refusal.h"
#include "fuzz.h"

static void check_seen(const Buffer *b)
{
        Buffer seen = BUFFER_NULL;

        if (b->size > 0)
                visible_lines(&seen, b->data, b->size);
        promise(utf8_is_valid(seen.data ? seen.data : "", seen.size));
        for (size_t i = 0; i < seen.size; i++) {
                unsigned char c = (unsigned char)seen.data[i];

                promise(c >= 0x20 || c == '\n' || c == '\t');
                promise(c != 0x7f);
                promise(c != 0xc2 || (unsigned char)seen.data[i + 1] >= 0xa0);
        }
        buffer_done(&seen);
}

static void check_refusal(const uint8_t *data, size_t size)
{
        const Subject subject = {.what = "device 'd'", .right = "RegistryRead", .host = "h.net", .policy = "service"};
        static const unsigned statuses[] = {400, 401, 403, 404, 409, 412, 429, 500, 504};
        Buffer words = BUFFER_NULL;
        Refusal refusal;

        refusal_read(statuses[size % ARRAY_SIZE(statuses)], NULL, (const char *)data, size, &refusal);
        refusal_words(&refusal, &subject, &words);
        promise(words.size > 0);
        check_seen(&words);
        buffer_done(&words);
        refusal_done(&refusal);
}

static void check_identity(const uint8_t *data, size_t size)
{
        Buffer lines = BUFFER_NULL;
        json_object *record = NULL;

        if (json_text_parse((const char *)data, size, &record, NULL) == 0 && identity_complete(record, "h.net")) {
                promise(json_text_of(record, "authMethod"));
                promise(json_member(record, "isManaged"));
                identity_put_lines(record, &lines);
                promise(lines.size > 0);
                check_seen(&lines);
        }
        buffer_done(&lines);
        (void)json_object_put(record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        /* libcurl's data end with a NUL as ours do */
        Buffer text = BUFFER_NULL;

        buffer_append(&text, data, size);
        if (size > 0) {
                check_refusal((const uint8_t *)text.data, size);
                check_identity((const uint8_t *)text.data, size);
        }
        buffer_done(&text);
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/event-batch.h"

#include <errno.h>
#include <string.h>

#include "base/base64.h"

void event_batch_done(EventBatch *batch)
{
        for (size_t i = 0; i < batch->n_drafts; i++)
                event_draft_done(&batch->drafts[i]);
        free(batch->drafts);
        *batch = (EventBatch){};
}

static int read_body(json_object *event, EventDraft *draft)
{
        _cleanup_(buffer_done) Buffer decoded = BUFFER_NULL;
        json_object *body, *encoded = NULL;
        const char *text;
        size_t size;
        int r;

        if (!json_object_object_get_ex(event, "body", &body) || !json_object_is_type(body, json_type_string))
                return -EINVAL;
        text = json_object_get_string(body);
        size = (size_t)json_object_get_string_len(body);
        if (json_object_object_get_ex(event, "base64Encoded", &encoded)) {
                if (!json_object_is_type(encoded, json_type_boolean))
                        return -EINVAL;
                if (!json_object_get_boolean(encoded)) {
                        event_draft_set_body(draft, text, size);
                        return 0;
                }
        }
        r = base64_decode(&decoded, text, size);
        if (r < 0)
                return r;
        event_draft_set_body(draft, decoded.data, decoded.size);
        return buffer_error(&decoded);
}

static int read_properties(json_object *event, EventDraft *draft)
{
        json_object *properties;

        if (!json_object_object_get_ex(event, "properties", &properties))
                return 0;
        if (!json_object_is_type(properties, json_type_object))
                return -EINVAL;
        json_object_object_foreach(properties, name, value) {
                const char *text = json_object_get_string(value);

                if (!json_object_is_type(value, json_type_string))
                        return -EINVAL;
                if (strlen(text) != (size_t)json_object_get_string_len(value))
                        return -EBADMSG; /* a NUL: what follows it would be lost */
                event_draft_add(draft, name, text);
        }
        return 0;
}

static int read_event(json_object *event, EventDraft *draft)
{
        int r;

        if (!json_object_is_type(event, json_type_object))
                return -EINVAL;
        r = read_body(event, draft);
        return r < 0 ? r : read_properties(event, draft);
}

int event_batch_read(json_object *list, EventBatch *ret)
{
        _cleanup_(event_batch_done) EventBatch batch = {};
        size_t n;

        if (!json_object_is_type(list, json_type_array))
                return -EINVAL;
        n = json_object_array_length(list);
        if (n > EVENT_BATCH_MAX)
                return -E2BIG;
        batch.drafts = calloc(MAX(n, (size_t)1), sizeof(*batch.drafts));
        if (!batch.drafts)
                return -ENOMEM;
        while (batch.n_drafts < n) {
                size_t i = batch.n_drafts++;
                int r = read_event(json_object_array_get_idx(list, i), &batch.drafts[i]);

                if (r < 0)
                        return r;
        }
        *ret = batch;
        batch = (EventBatch){};
        return 0;
}

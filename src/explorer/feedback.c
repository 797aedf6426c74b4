/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/feedback.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/visible.h"
#include "explorer/json-text.h"

static const struct {
        const char *name;
        size_t at;
        bool required;
} members[] = {
        {"originalMessageId", offsetof(FeedbackRecord, message_id), true},
        {"deviceId", offsetof(FeedbackRecord, device_id), true},
        {"deviceGenerationId", offsetof(FeedbackRecord, generation_id), false},
        {"enqueuedTimeUtc", offsetof(FeedbackRecord, time), false},
        {"statusCode", offsetof(FeedbackRecord, status), true},
        {"description", offsetof(FeedbackRecord, description), false},
};

static char **member_of(const FeedbackRecord *r, size_t i)
{
        return (char **)((uintptr_t)r + members[i].at);
}

void feedback_done(Feedback *f)
{
        for (size_t i = 0; i < f->n_records; i++)
                for (size_t k = 0; k < ARRAY_SIZE(members); k++)
                        free(*member_of(&f->records[i], k));
        free(f->records);
        *f = (Feedback){};
}

static int read_record(json_object *o, FeedbackRecord *r)
{
        for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
                const char *text = json_text_of(o, members[i].name);

                if (!text && !members[i].required)
                        continue;
                *member_of(r, i) = strdup(text ? text : "");
                if (!*member_of(r, i))
                        return -ENOMEM;
        }
        return 0;
}

int feedback_parse(const char *body, size_t size, Feedback *ret)
{
        _cleanup_(json_unrefp) json_object *batch = NULL;
        int r = json_text_parse(body, size, &batch, NULL);

        *ret = (Feedback){};
        if (r < 0)
                return r;
        if (!json_object_is_type(batch, json_type_array))
                return -EBADMSG;
        ret->records = calloc(json_object_array_length(batch) + 1, sizeof(*ret->records));
        if (!ret->records)
                return -ENOMEM;
        for (size_t i = 0; i < json_object_array_length(batch) && r >= 0; i++) {
                json_object *o = json_object_array_get_idx(batch, i);

                ret->n_records = i + 1;
                r = json_object_is_type(o, json_type_object) ? read_record(o, &ret->records[i]) : -EBADMSG;
        }
        if (r < 0)
                feedback_done(ret);
        return r;
}

/* ---- as text ---- */

/* statusCode is the one to trust; some writers put it in the description alone. */
static const char *status_of(const FeedbackRecord *r)
{
        return *r->status || !r->description ? r->status : r->description;
}

bool feedback_is_success(const FeedbackRecord *r)
{
        return strcasecmp(status_of(r), "success") == 0;
}

void feedback_line(const FeedbackRecord *r, Buffer *b)
{
        bool any = false;

        buffer_append_char(b, '{');
        for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
                const char *value = *member_of(r, i);

                if (!value)
                        continue;
                if (any)
                        buffer_append_char(b, ',');
                any = true;
                json_string(b, members[i].name);
                buffer_append_char(b, ':');
                json_string(b, value);
        }
        buffer_append_string(b, "}\n");
}

static void put(Buffer *b, const char *text)
{
        visible_text(b, text, strlen(text));
}

void feedback_text(const FeedbackRecord *r, Buffer *b)
{
        put(b, r->time ? r->time : "-");
        buffer_append_string(b, "  ");
        put(b, r->device_id);
        buffer_append_string(b, "  ");
        put(b, *r->message_id ? r->message_id : "(no message id)");
        buffer_append_string(b, "  ");
        put(b, status_of(r));
        buffer_append_char(b, '\n');
}

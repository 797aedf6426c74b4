/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/service.h"

#include <stdio.h>
#include <string.h>

#include "azure/percent.h"
#include "explorer/output.h"
#include "explorer/stranger.h"

#define ID_MAX 128

void answer_done(Answer *a)
{
        https_reply_done(&a->reply);
        (void)json_object_put(a->json);
        a->json = NULL;
}

/* ---- names ---- */

static size_t device_size(const char *id)
{
        return strcspn(id, "/");
}

bool is_module(const char *id)
{
        return strchr(id, '/');
}

static void put_part(Buffer *b, const char *part, size_t size)
{
        char text[ID_MAX + 1];

        (void)snprintf(text, sizeof(text), "%.*s", (int)MIN(size, (size_t)ID_MAX), part);
        percent_encode(b, text);
}

void put_encoded(Buffer *b, const char *id)
{
        percent_encode(b, id);
}

void put_path(Buffer *b, const char *root, const char *id, const char *tail)
{
        size_t n = device_size(id);

        buffer_printf(b, "/%s/", root);
        put_part(b, id, n);
        if (id[n]) {
                buffer_append_string(b, "/modules/");
                put_part(b, id + n + 1, strlen(id + n + 1));
        }
        buffer_printf(b, "%s?api-version=" SERVICE_VERSION, tail);
}

void put_identity_name(Buffer *b, const char *id)
{
        buffer_printf(b, "%s '%s'", is_module(id) ? "module" : "device", id);
}

static bool is_id(const char *part, size_t size)
{
        static const char others[] = "-:.+%_#*?!(),=@$'";

        for (size_t i = 0; i < size; i++)
                if (!((part[i] >= 'A' && part[i] <= 'Z') || (part[i] >= 'a' && part[i] <= 'z') ||
                      (part[i] >= '0' && part[i] <= '9') || strchr(others, part[i])))
                        return false;
        return size > 0 && size <= ID_MAX;
}

int check_id(const char *id)
{
        size_t n = device_size(id);

        if (is_id(id, n) && (!id[n] || is_id(id + n + 1, strlen(id + n + 1))))
                return EXPLORER_OK;
        return bad_usage("'%s' cannot be an id: 1 to %d of letters, digits and - : . + %% _ # * ? ! ( ) , = @ $ ', for "
                         "a module DEVICE/MODULE",
                         id, ID_MAX);
}

/* ---- asking ---- */

/* The body of a yes is JSON, or nothing. */
static int read_body(const Explorer *e, Answer *a)
{
        size_t at;

        if (a->reply.body.size == 0 || json_text_parse(a->reply.body.data, a->reply.body.size, &a->json, &at) == 0)
                return EXPLORER_OK;
        complain("%s answers %u with something that is not JSON, from byte %zu on: is it a hub?", e->login.host,
                 a->reply.status, at);
        return EXPLORER_FAILED;
}

static int tell(const Explorer *e, const Question *q, const HttpsReply *reply)
{
        Subject subject = q->subject;
        _cleanup_(refusal_done) Refusal refusal;
        _cleanup_(buffer_done) Buffer words = BUFFER_NULL, device = BUFFER_NULL;
        _cleanup_free_ char *nearest = NULL;

        subject.host = e->login.host;
        subject.policy = e->login.policy;
        refusal_read(reply->status, reply->error_name, reply->body.data, reply->body.size, &refusal);
        refusal.retry_after_usec = reply->retry_after_usec;
        refusal.skew_sec = reply->skew_sec;
        if (q->id && refusal_is(&refusal, "DeviceNotFound")) {
                /* of a module it is the device that is not there */
                buffer_printf(&device, "device '%.*s'", (int)device_size(q->id), q->id);
                subject.what = device.data ?: subject.what;
                nearest = stranger_nearest(e, q->id);
        }
        subject.nearest = nearest;
        refusal_words(&refusal, &subject, &words);
        complain("%s", words.data ?: "no memory is left");
        if (refusal_is_time_out(&refusal))
                return EXPLORER_TIMEOUT;
        return reply->status >= 400 && reply->status < 500 ? EXPLORER_REFUSED : EXPLORER_FAILED;
}

int service_ask(const Explorer *e, Question *q, Answer *ret)
{
        _cleanup_(buffer_done) Buffer words = BUFFER_NULL;
        int r;

        *ret = (Answer){};
        r = https_ask(e, &q->request, &ret->reply, &words);
        if (r != 0) {
                complain("%s", words.data ?: "no memory is left");
                return r;
        }
        if (ret->reply.status >= 200 && ret->reply.status < 300)
                r = read_body(e, ret);
        else if (q->tolerated != 0 && ret->reply.status == q->tolerated)
                return EXPLORER_REFUSED;
        else
                r = tell(e, q, &ret->reply);
        if (r != EXPLORER_OK)
                answer_done(ret);
        return r;
}

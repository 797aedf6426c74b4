/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/service.h"

#include <string.h>

#include "explorer/output.h"
#include "explorer/stranger.h"

void answer_done(Answer *a)
{
        https_reply_done(&a->reply);
        (void)json_object_put(a->json);
        a->json = NULL;
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
                buffer_printf(&device, "device '%.*s'", (int)path_device_size(q->id), q->id);
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

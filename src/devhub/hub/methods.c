/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/methods.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model/json-read.h"

#define RID_MAX       20
#define NAME_MAX_SIZE 1024 /* it has to fit a topic */

struct MethodErrand {
        char *device_id, *module_id, *name;
        Buffer payload; /* until it is sent */
        usec_t response_timeout_usec;
        usec_t deadline_usec; /* of the phase */
        bool sent;
        char rid[RID_MAX];
        MethodDone done;
        void *userdata;
        MethodErrand *before, *next;
};

struct Methods {
        MethodsSink sink;
        uint64_t next_rid;
        MethodErrand *first, *last; /* in the order in which they were called */
        size_t n;
};

static MethodErrand *call_free(MethodErrand *call)
{
        if (!call)
                return NULL;
        free(call->device_id);
        free(call->module_id);
        free(call->name);
        buffer_done(&call->payload);
        free(call);
        return NULL;
}

DEFINE_CLEANUP(MethodErrand *, call_free);

int methods_new(Methods **ret, const MethodsSink *sink, uint64_t first_rid)
{
        Methods *m = calloc(1, sizeof(*m));

        if (!m)
                return -ENOMEM;
        m->sink = *sink;
        m->next_rid = first_rid;
        *ret = m;
        return 0;
}

Methods *methods_free(Methods *m)
{
        if (!m)
                return NULL;
        while (m->first) {
                MethodErrand *next = m->first->next;

                call_free(m->first);
                m->first = next;
        }
        free(m);
        return NULL;
}

/* ---- the list ---- */

static void append(Methods *m, MethodErrand *call)
{
        call->before = m->last;
        if (m->last)
                m->last->next = call;
        else
                m->first = call;
        m->last = call;
        m->n++;
}

static void take_out(Methods *m, MethodErrand *call)
{
        if (call->before)
                call->before->next = call->next;
        else
                m->first = call->next;
        if (call->next)
                call->next->before = call->before;
        else
                m->last = call->before;
        m->n--;
}

static bool same(const char *a, const char *b)
{
        return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_of(const MethodErrand *call, const char *device_id, const char *module_id)
{
        return same(call->device_id, device_id) && same(call->module_id, module_id);
}

/* ---- one call ---- */

/* Out of the list first: whoever is told may call anew. */
static void finish(Methods *m, MethodErrand *call, const MethodResult *result)
{
        take_out(m, call);
        call->done(call->userdata, result);
        call_free(call);
}

static void finish_without(Methods *m, MethodErrand *call, MethodOutcome outcome)
{
        MethodResult result = {.outcome = outcome};

        finish(m, call, &result);
}

static bool try_to_send(Methods *m, MethodErrand *call, usec_t now)
{
        if (m->sink.send(m->sink.userdata, call->device_id, call->module_id, call->name, call->rid,
                         call->payload.data, call->payload.size) < 0)
                return false;
        call->sent = true;
        call->deadline_usec = usec_add(now, call->response_timeout_usec);
        buffer_done(&call->payload);
        return true;
}

static int call_new(MethodErrand **ret, const MethodRequest *request)
{
        _cleanup_(call_freep) MethodErrand *call = calloc(1, sizeof(*call));

        if (!call)
                return -ENOMEM;
        call->device_id = strdup(request->device_id);
        call->module_id = request->module_id ? strdup(request->module_id) : NULL;
        call->name = strdup(request->name);
        buffer_append(&call->payload, request->payload, request->payload_size);
        if (!call->device_id || (request->module_id && !call->module_id) || !call->name ||
            buffer_error(&call->payload))
                return -ENOMEM;
        call->response_timeout_usec = request->response_timeout_usec;
        *ret = TAKE_PTR(call);
        return 0;
}

int methods_call(Methods *m, const MethodRequest *request, MethodDone done, void *userdata, usec_t now,
                 MethodErrand **ret)
{
        MethodErrand *call;
        int r;

        *ret = NULL;
        if (m->n >= METHODS_MAX)
                return METHODS_E_TOO_MANY;
        r = call_new(&call, request);
        if (r < 0)
                return r;
        (void)snprintf(call->rid, sizeof(call->rid), "%" PRIx64, m->next_rid++);
        call->done = done;
        call->userdata = userdata;
        call->deadline_usec = usec_add(now, request->connect_timeout_usec);
        append(m, call);
        if (!try_to_send(m, call, now) && request->connect_timeout_usec == 0) {
                finish_without(m, call, METHOD_NOT_ONLINE);
                return 0;
        }
        *ret = call;
        return 0;
}

void methods_cancel(Methods *m, MethodErrand *call)
{
        take_out(m, call);
        call_free(call);
}

/* ---- the device ---- */

void methods_listening(Methods *m, const char *device_id, const char *module_id, usec_t now)
{
        for (MethodErrand *call = m->first; call; call = call->next)
                if (!call->sent && is_of(call, device_id, module_id) && !try_to_send(m, call, now))
                        return;
}

static MethodErrand *find_sent(Methods *m, const char *device_id, const char *module_id, const char *rid, size_t size)
{
        for (MethodErrand *call = m->first; call; call = call->next)
                if (call->sent && strlen(call->rid) == size && memcmp(call->rid, rid, size) == 0 &&
                    is_of(call, device_id, module_id))
                        return call;
        return NULL;
}

static MethodOutcome judge_answer(const char *payload, size_t size)
{
        _cleanup_json_ json_object *value = NULL;
        const char *error;

        if (size > METHOD_PAYLOAD_MAX)
                return METHOD_ANSWER_TOO_LARGE;
        if (size > 0 && json_read(payload, size, &value, &error) < 0)
                return METHOD_ANSWER_MALFORMED;
        return METHOD_ANSWERED;
}

bool methods_answer(Methods *m, const char *device_id, const char *module_id, const char *rid, size_t rid_size,
                    int status, const char *payload, size_t size, usec_t now, usec_t *ret_left)
{
        MethodErrand *call = find_sent(m, device_id, module_id, rid, rid_size);
        MethodResult result = {.status = status, .payload = payload, .payload_size = size};

        if (!call)
                return false;
        *ret_left = usec_sub(call->deadline_usec, now);
        result.outcome = judge_answer(payload, size);
        finish(m, call, &result);
        return true;
}

/* ---- those that end without ---- */

static MethodErrand *first_of(Methods *m, const char *device_id, const char *module_id)
{
        for (MethodErrand *call = m->first; call; call = call->next)
                if (same(call->device_id, device_id) && (!module_id || same(call->module_id, module_id)))
                        return call;
        return NULL;
}

void methods_forget(Methods *m, const char *device_id, const char *module_id)
{
        MethodErrand *call;

        while ((call = first_of(m, device_id, module_id)))
                finish_without(m, call, METHOD_FORGOTTEN);
}

static MethodErrand *first_due(Methods *m, usec_t now)
{
        for (MethodErrand *call = m->first; call; call = call->next)
                if (call->deadline_usec <= now)
                        return call;
        return NULL;
}

void methods_tick(Methods *m, usec_t now)
{
        MethodErrand *call;

        while ((call = first_due(m, now)))
                finish_without(m, call, call->sent ? METHOD_TIMED_OUT : METHOD_NOT_ONLINE);
}

/* ---- questions ---- */

usec_t methods_deadline(const Methods *m)
{
        usec_t deadline = USEC_INFINITY;

        for (const MethodErrand *call = m->first; call; call = call->next)
                deadline = MIN(deadline, call->deadline_usec);
        return deadline;
}

size_t methods_n_under_way(const Methods *m)
{
        return m->n;
}

/* `+` and `#` are in no list of the hub's, but no topic may be published with them. */
bool method_name_is_valid(const char *name)
{
        size_t size = strlen(name);

        if (size == 0 || size > NAME_MAX_SIZE || strpbrk(name, "$()<>@,;:\\\"/[]?={}+#"))
                return false;
        for (size_t i = 0; i < size; i++)
                if (name[i] <= ' ' || name[i] >= 0x7f)
                        return false;
        return true;
}

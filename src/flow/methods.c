/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/methods.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/quantity.h"
#include "flow/methods-core.h"
#include "model/json-grammar.h"
#include "model/name.h"

/* What somebody wants of us. Borrowed. */
typedef struct Request {
        const char *name, *json, *caller;
        size_t size;
        usec_t timeout_usec; /* 0: the usual one */
        bool from_hub;
        MethodAnswerFn answer;
        void *userdata;
} Request;

/* ---- calls ---- */

static PendingMethod *find_call(const Methods *m, uint64_t id)
{
        for (size_t i = 0; i < m->n_calls; i++)
                if (m->calls[i]->id == id)
                        return m->calls[i];
        return NULL;
}

static PendingMethod *call_free(PendingMethod *c)
{
        if (!c)
                return NULL;
        free(c->name);
        free(c->caller);
        free(c->request);
        free(c->responder);
        free(c);
        return NULL;
}
DEFINE_CLEANUP(PendingMethod *, call_free);

/* Out of the row: whoever is told of its end may bring new ones. */
static PendingMethod *take_call(Methods *m, PendingMethod *c)
{
        for (size_t i = 0; i < m->n_calls; i++)
                if (m->calls[i] == c)
                        m->calls[i] = m->calls[--m->n_calls];
        return c;
}

static int call_new(Methods *m, const Request *q, const MethodName *row, PendingMethod **ret)
{
        usec_t timeout = MIN(q->timeout_usec ?: m->settings->timeout_usec, METHOD_TIMEOUT_MAX);
        _cleanup_(call_freep) PendingMethod *c = calloc(1, sizeof(*c));

        if (!c)
                return -ENOMEM;
        *c = (PendingMethod){
                .id = ++m->last_id,
                .name = strdup(q->name),
                .caller = strdup(q->caller),
                .request = strndup(q->json, AUDIT_PAYLOAD_MAX + 4), /* so that the audit sees that it is cut */
                .responder = strdup(row->responder),
                .on_bus = !row->run,
                .timeout_usec = timeout,
                .begun_usec = clock_boot(m->clock),
                .begun_wall_usec = clock_wall(m->clock),
                .answer = q->answer,
                .userdata = q->userdata,
        };
        if (!c->name || !c->caller || !c->request || !c->responder)
                return -ENOMEM;
        c->deadline_usec = usec_add(c->begun_usec, timeout);
        m->calls[m->n_calls++] = c;
        *ret = TAKE_PTR(c);
        return 0;
}

/* ---- answers ---- */

/* The one answer of a call, which stays where it is: its responder may still owe one. It is not looked at after the
 * caller was told. */
static void settle(Methods *m, PendingMethod *c, const MethodAnswer *a)
{
        MethodAnswerFn answer = TAKE_PTR(c->answer);

        audit_add(m->audit, &(AuditEntry){
                                    .time_usec = c->begun_wall_usec,
                                    .caller = c->caller,
                                    .name = c->name,
                                    .status = a->status,
                                    .took_usec = usec_sub(clock_boot(m->clock), c->begun_usec),
                                    .request = c->request,
                                    .answer = a->json,
                            },
                  clock_boot(m->clock));
        answer(c->userdata, a);
}

/* The same where the answer is ours, in words. */
static void settle_failed(Methods *m, PendingMethod *c, MethodStatus status, const char *text)
{
        _cleanup_(buffer_done) Buffer json = BUFFER_NULL;
        MethodName *row = method_names_find(&m->names, c->name);

        if (row)
                row->failures++;
        method_error_write(&json, text);
        settle(m, c, &(MethodAnswer){status, buffer_error(&json) < 0 ? "" : json.data,
                                     buffer_error(&json) < 0 ? 0 : json.size});
}

static void count_late(Methods *m, const char *name)
{
        MethodName *row = name ? method_names_find(&m->names, name) : NULL;

        if (row)
                row->late++;
        log_debug("An answer of method %s came when nobody waited for it any more.", name ?: "(unknown)");
}

void methods_not_delivered(Methods *m, const char *name)
{
        count_late(m, name);
}

static const char *whom(const PendingMethod *c)
{
        return *c->responder ? c->responder : "hublinkd";
}

/* Three digits, as HTTP's: the services' libraries read it as that, and so do audit and metrics. */
static bool is_status(int status)
{
        return status >= METHOD_STATUS_MIN && status <= METHOD_STATUS_MAX;
}

static void settle_answered(Methods *m, PendingMethod *c, int status, const char *json)
{
        size_t size = strlen(json);
        const char *fault = size > METHOD_PAYLOAD_MAX ? "it has more than 128 KiB"
                            : size > 0                ? json_grammar_fault(json, size)
                                                      : NULL;
        char text[512];

        if (!fault && is_status(status)) {
                settle(m, c, &(MethodAnswer){status, json, size});
                return;
        }
        if (fault)
                (void)snprintf(text, sizeof(text), "the answer of %s is not JSON that can be sent: %s", whom(c), fault);
        else
                (void)snprintf(text, sizeof(text),
                               "the answer of %s cannot be sent: its status is %d, and not from %d to %d", whom(c),
                               status, METHOD_STATUS_MIN, METHOD_STATUS_MAX);
        settle_failed(m, c, METHOD_FAILED, text);
}

static void settle_error(Methods *m, PendingMethod *c, int error, const char *words)
{
        char text[1024];

        switch (error) {
        case -EIO:
                (void)snprintf(text, sizeof(text), "%s answered an error: %s", whom(c), words);
                settle_failed(m, c, METHOD_FAILED, text);
                break;
        case -ETIMEDOUT:
                (void)snprintf(text, sizeof(text), "%s did not answer in time", whom(c));
                settle_failed(m, c, METHOD_TIMEOUT, text);
                break;
        default:
                (void)snprintf(text, sizeof(text), "%s is not there, or left before it answered%s%s", whom(c),
                               *words ? ": " : "", words);
                settle_failed(m, c, METHOD_UNAVAILABLE, text);
                break;
        }
}

void methods_answered(Methods *m, uint64_t id, int error, int status, const char *json)
{
        _cleanup_(call_freep) PendingMethod *c = find_call(m, id);
        bool is_answer = error == 0 || error == -EIO;

        if (c)
                (void)take_call(m, c);
        if (c && c->answer && error == 0)
                settle_answered(m, c, status, json);
        else if (c && c->answer)
                settle_error(m, c, error, json ?: "");
        else if (is_answer)
                count_late(m, c ? c->name : NULL);
}

void methods_answer(Methods *m, uint64_t call, int status, const char *json)
{
        methods_answered(m, call, 0, status, json);
}

bool methods_is_owed_by(const Methods *m, const char *responder)
{
        for (size_t i = 0; i < m->n_calls; i++)
                if (strcmp(m->calls[i]->responder, responder) == 0)
                        return true;
        return false;
}

/* All answers of a responder who is gone. */
void methods_forget(Methods *m, const char *responder)
{
        for (size_t i = 0; i < m->n_calls;) {
                PendingMethod *c = m->calls[i];

                if (strcmp(c->responder, responder) != 0) {
                        i++;
                        continue;
                }
                (void)take_call(m, c);
                if (c->answer)
                        settle_error(m, c, -ESRCH, "");
                call_free(c);
                i = 0;
        }
}

/* ---- a request ---- */

static void refuse(Methods *m, const Request *q, MethodStatus status, const char *text)
{
        PendingMethod c = {
                .name = (char *)(uintptr_t)q->name,
                .caller = (char *)(uintptr_t)q->caller,
                .request = (char *)(uintptr_t)q->json,
                .begun_usec = clock_boot(m->clock),
                .begun_wall_usec = clock_wall(m->clock),
                .answer = q->answer,
                .userdata = q->userdata,
        };

        settle_failed(m, &c, status, text);
}

static bool is_allowed(const Methods *m, const char *name)
{
        const char *allow = m->settings->allow;
        size_t n = strlen(name);

        for (const char *p = allow; p && (p = strstr(p, name)); p += n)
                if ((p == allow || p[-1] == ' ') && (p[n] == ' ' || p[n] == 0))
                        return true;
        return !allow;
}

static const char *payload_fault(const Request *q)
{
        return q->size > METHOD_PAYLOAD_MAX ? "it has more than 128 KiB"
               : q->size > 0                ? json_grammar_fault(q->json, q->size)
                                            : NULL;
}

/* Why nobody can be asked now; false: somebody can. One of our own does not wait behind those on the bus. */
static bool is_busy(const Methods *m, const MethodName *row, char *text, size_t size)
{
        unsigned waiting = 0, owed = 0, owed_here = 0;

        for (size_t i = 0; i < m->n_calls; i++) {
                const PendingMethod *c = m->calls[i];
                bool owes = !c->answer && c->on_bus;

                waiting += c->answer && c->on_bus;
                owed += owes;
                owed_here += owes && strcmp(c->responder, row->responder) == 0;
        }
        *text = 0;
        if (m->n_calls >= METHODS_CALLS_MAX || (!row->run && waiting >= METHODS_WAITING_MAX))
                (void)snprintf(text, size, "%u calls wait for answers already: try again a little later", waiting);
        else if (!row->run && owed_here >= METHODS_OWED_ONE_MAX)
                (void)snprintf(text, size, "%s has not answered %u calls: is it to be restarted?", row->responder,
                               owed_here);
        else if (!row->run && owed_here > 0 && owed >= METHODS_OWED_MAX)
                (void)snprintf(text, size, "%u calls were never answered, %u of them by %s: is it to be restarted?",
                               owed, owed_here, row->responder);
        else if (!row->run && waiting + owed >= METHODS_WAITING_MAX + METHODS_OWED_MAX)
                (void)snprintf(text, size, "%u calls were never answered: hublinkctl methods shows by whom", owed);
        return *text;
}

static void ask(Methods *m, const Request *q, const MethodName *row)
{
        PendingMethod *c;
        uint64_t id;
        int r;

        if (call_new(m, q, row, &c) < 0) {
                refuse(m, q, METHOD_BUSY, "out of memory");
                return;
        }
        id = c->id;
        if (row->run) {
                row->run(row->run_userdata, q->json, q->size, id);
                return;
        }
        r = m->port.invoke(m->port.userdata, row->responder, q->name, q->json, c->deadline_usec, id);
        if (r < 0)
                methods_answered(m, id, -ESRCH, 0, strerror(-r));
}

static void call(Methods *m, const Request *q)
{
        MethodName *row = method_names_find(&m->names, q->name);
        const char *fault = payload_fault(q);
        char text[512];

        if (row)
                row->calls++;
        if (m->stopped) {
                refuse(m, q, METHOD_UNAVAILABLE, "hublinkd is stopping");
        } else if (q->from_hub && !is_allowed(m, q->name)) {
                refuse(m, q, METHOD_FORBIDDEN, "this device does not let the hub call this method (methods.allow)");
        } else if (!row) {
                (void)snprintf(text, sizeof(text), "nobody on this device answers to the method \"%s\"", q->name);
                refuse(m, q, METHOD_NOT_FOUND, text);
        } else if (fault) {
                (void)snprintf(text, sizeof(text), "the payload is not JSON that can be taken: %s", fault);
                refuse(m, q, METHOD_BAD_REQUEST, text);
        } else if (is_busy(m, row, text, sizeof(text))) {
                refuse(m, q, METHOD_BUSY, text);
        } else {
                ask(m, q, row);
        }
}

void methods_call(Methods *m, const MethodCall *c, MethodAnswerFn answer, void *userdata)
{
        call(m, &(Request){
                        .name = c->name,
                        .json = c->payload,
                        .size = c->payload_size,
                        .caller = "hub",
                        .from_hub = true,
                        .answer = answer,
                        .userdata = userdata,
                });
}

void methods_refused(Methods *m, const char *name, int status)
{
        MethodName *row = method_names_find(&m->names, name);

        if (row) {
                row->calls++;
                row->failures++;
        }
        audit_no_call(m->audit, &(AuditEntry){
                                        .time_usec = clock_wall(m->clock),
                                        .caller = "hub",
                                        .name = *name ? name : "?",
                                        .status = status,
                                        .request = "",
                                        .answer = "",
                                },
                      clock_boot(m->clock));
}

void methods_call_here(Methods *m, const char *name, const char *json, usec_t timeout_usec, const char *caller,
                       MethodAnswerFn answer, void *userdata)
{
        call(m, &(Request){
                        .name = name,
                        .json = json,
                        .size = strlen(json),
                        .timeout_usec = timeout_usec,
                        .caller = caller,
                        .answer = answer,
                        .userdata = userdata,
                });
}

/* ---- time ---- */

static usec_t methods_deadline(void *userdata)
{
        const Methods *m = userdata;
        usec_t d = USEC_INFINITY;

        for (size_t i = 0; i < m->n_calls; i++)
                if (m->calls[i]->answer)
                        d = MIN(d, m->calls[i]->deadline_usec);
        return d;
}

static PendingMethod *find_overdue(const Methods *m, usec_t now)
{
        for (size_t i = 0; i < m->n_calls; i++)
                if (m->calls[i]->answer && m->calls[i]->deadline_usec <= now)
                        return m->calls[i];
        return NULL;
}

static void methods_tick(void *userdata, usec_t now)
{
        Methods *m = userdata;
        PendingMethod *c;

        while ((c = find_overdue(m, now))) {
                _cleanup_(buffer_done) Buffer time = BUFFER_NULL;
                char text[512];

                quantity_print_time(&time, c->timeout_usec);
                (void)snprintf(text, sizeof(text), "%s did not answer within %s", whom(c), time.data ?: "its time");
                settle_failed(m, c, METHOD_TIMEOUT, text);
        }
}

Ticker methods_ticker(Methods *m)
{
        return (Ticker){"methods", methods_deadline, methods_tick, m};
}

/* ---- life ---- */

int methods_new(Methods **ret, const MethodsSettings *settings, const Clock *clock, Audit *audit,
                const ResponderPort *port)
{
        _cleanup_(methods_freep) Methods *m = calloc(1, sizeof(*m));
        int r;

        if (!m)
                return -ENOMEM;
        m->clock = clock;
        m->audit = audit;
        m->port = *port;
        r = methods_configure(m, settings);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(m);
        return 0;
}

void methods_stop(Methods *m)
{
        if (!m)
                return;
        m->stopped = true;
        while (m->n_calls > 0) {
                PendingMethod *c = take_call(m, m->calls[0]);

                if (c->answer)
                        settle_failed(m, c, METHOD_UNAVAILABLE, "hublinkd is stopping");
                call_free(c);
        }
}

Methods *methods_free(Methods *m)
{
        if (!m)
                return NULL;
        methods_stop(m);
        method_names_done(&m->names);
        free(m->infos);
        free(m);
        return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Method - device-method: a question to the device itself, answered while we wait
 */

#include <inttypes.h>
#include <string.h>

#include "explorer/commands.h"
#include "explorer/file.h"
#include "explorer/output.h"
#include "explorer/service.h"
#include "explorer/words.h"

#define PAYLOAD_MAX      ((size_t)128 << 10)
#define NAME_LENGTH_MAX  100
#define RESPONSE_DEFAULT (30 * USEC_PER_SEC)
#define RESPONSE_LEAST   (5 * USEC_PER_SEC)
#define WAIT_MOST        (300 * USEC_PER_SEC)
#define FAILED_STATUS    400 /* from here on the device itself says that it did not work */

typedef struct Method {
        const char *id, *name;
        json_object *payload; /* NULL: JSON's null */
        usec_t response_usec, connect_usec;
} Method;

static int check_name(const char *name)
{
        for (const char *p = name; *p; p++)
                if (*p <= 0x20 || *p >= 0x7f || strchr("$()<>@,;:\\\"/[]?={}", *p))
                        return bad_usage("'%s' cannot be the name of a method: printable ASCII without blanks and "
                                         "$()<>@,;:\\\"/[]?={}", name);
        return *name && strlen(name) <= NAME_LENGTH_MAX ? EXPLORER_OK
                                                        : bad_usage("the method's name is empty or too long");
}

static int read_times(const Words *w, Method *m)
{
        int r = words_time(w, "response-timeout", &m->response_usec);

        if (r == EXPLORER_OK)
                r = words_time(w, "connect-timeout", &m->connect_usec);
        if (r != EXPLORER_OK)
                return r;
        if (m->response_usec < RESPONSE_LEAST || m->response_usec > WAIT_MOST)
                return bad_usage("--response-timeout takes 5s to 300s");
        return m->connect_usec > WAIT_MOST ? bad_usage("--connect-timeout takes 0s to 300s") : EXPLORER_OK;
}

/* The hub counts in whole seconds; less than was asked for would be a surprise. */
static int64_t seconds_of(usec_t t)
{
        return (int64_t)((t + USEC_PER_SEC - 1) / USEC_PER_SEC);
}

static json_object *body_of(const Method *m)
{
        json_object *o = json_object_new_object();
        bool ok = o;

        json_put_text(o, "methodName", m->name, &ok);
        if (o && json_object_object_add(o, "payload", json_object_get(m->payload)) < 0)
                ok = false;
        json_put(o, "responseTimeoutInSeconds", json_object_new_int64(seconds_of(m->response_usec)), &ok);
        json_put(o, "connectTimeoutInSeconds", json_object_new_int64(seconds_of(m->connect_usec)), &ok);
        if (ok)
                return o;
        (void)json_object_put(o);
        return NULL;
}

static int print_answer(const Explorer *e, const Method *m, json_object *answer)
{
        json_object *status = json_member(answer, "status"), *payload = json_member(answer, "payload");
        _cleanup_(buffer_done) Buffer line = BUFFER_NULL;
        int r;

        if (!json_object_is_type(status, json_type_int)) {
                complain("%s does not answer with a method's status: is it a hub?", e->login.host);
                return EXPLORER_FAILED;
        }
        if (e->json) {
                r = output_json(answer);
        } else {
                buffer_printf(&line, "status   %" PRId64 "\npayload  ", json_object_get_int64(status));
                r = output_buffer(&line);
                if (r == EXPLORER_OK)
                        r = output_document(e, payload);
        }
        if (r != EXPLORER_OK || json_object_get_int64(status) < FAILED_STATUS)
                return r;
        remark(e, "the device answers '%s' with its status %" PRId64 ", so it did not work", m->name,
               json_object_get_int64(status));
        return EXPLORER_FAILED;
}

static int call(const Explorer *e, const Method *m)
{
        _cleanup_(buffer_done) Buffer path = BUFFER_NULL, what = BUFFER_NULL;
        _cleanup_(json_unrefp) json_object *body = body_of(m);
        _cleanup_(answer_done) Answer answer = {};
        Question q;
        int r;

        put_path(&path, "twins", m->id, "/methods");
        put_identity_name(&what, m->id);
        if (!body || buffer_error(&path) || buffer_error(&what))
                return out_of_memory();
        q = (Question){
                .request = {.method = "POST",
                            .path = path.data,
                            .body = json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN),
                            .patience_usec = m->response_usec + m->connect_usec},
                .id = m->id,
                .subject = {.what = what.data, .right = "ServiceConnect"},
        };
        r = service_ask(e, &q, &answer);
        return r == EXPLORER_OK ? print_answer(e, m, answer.json) : r;
}

static int run_device_method(const Explorer *e, const Words *w)
{
        _cleanup_(json_unrefp) json_object *payload = NULL;
        Method m = {
                .id = words_operand(w, 0),
                .name = words_operand(w, 1),
                .response_usec = RESPONSE_DEFAULT,
        };
        int r = check_id(m.id);

        if (r == EXPLORER_OK)
                r = check_name(m.name);
        if (r == EXPLORER_OK)
                r = read_times(w, &m);
        if (r == EXPLORER_OK && words_operand(w, 2))
                r = json_of_operand(words_operand(w, 2), "the payload", PAYLOAD_MAX, &payload);
        if (r != EXPLORER_OK)
                return r;
        m.payload = payload;
        return call(e, &m);
}

static const Option device_method_options[] = {
        {"response-timeout", "D", "how long the device may take to answer, 5s to 300s (default 30s)", 0},
        {"connect-timeout", "D", "how long to wait for it to connect first, to 300s (default: not at all)", 0},
        {},
};

const Command command_device_method = {
        .name = "device-method",
        .operands = "DEVICE METHOD [JSON|@FILE|-]",
        .n_least = 2,
        .n_most = 3,
        .summary = "call a method of a connected device; prints its status and payload",
        .text = "A status of 400 or more is the device's own way to say that it did not work: exit code 1.\n"
                "No answer in time: 4. A device that is not connected: 5.",
        .options = device_method_options,
        .run = run_device_method,
};

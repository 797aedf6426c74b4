/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Credential - sas-token and connection-string: what somebody else is to log in with
 */

#include <errno.h>
#include <time.h>

#include "azure/token.h"
#include "base/secret.h"
#include "explorer/commands.h"
#include "explorer/identity.h"
#include "explorer/output.h"
#include "explorer/record.h"
#include "explorer/words.h"

#define LIFE_DEFAULT USEC_PER_HOUR
#define LIFE_MOST    (365 * USEC_PER_DAY)

/* One line: as text, or as an object's only member besides what it is for. */
static int print_line(const Explorer *e, const char *name, Buffer *line)
{
        _cleanup_(json_unrefp) json_object *o = NULL;
        bool ok = true;

        if (buffer_error(line))
                return out_of_memory();
        if (!e->json) {
                buffer_append_char(line, '\n');
                return output_buffer(line);
        }
        o = json_object_new_object();
        json_put_text(o, name, line->data, &ok);
        return ok ? output_json(o) : out_of_memory();
}

static int no_key(const char *id)
{
        complain("'%s' does not log in with a key, so there is none to sign with", id);
        return EXPLORER_FAILED;
}

/* ---- tokens ---- */

static int make_token(const Login *l, const Words *w, json_object *record, uint64_t expiry, Buffer *token)
{
        const char *id = words_operand(w, 0), *key = l->key;
        _cleanup_(buffer_done) Buffer resource = BUFFER_NULL;
        int r;

        buffer_append_string(&resource, l->host);
        if (record) {
                key = identity_key(record, words_have(w, "secondary"));
                if (!key)
                        return no_key(id);
                buffer_printf(&resource, "/devices/%s", json_text_of(record, "deviceId"));
                if (json_text_of(record, "moduleId"))
                        buffer_printf(&resource, "/modules/%s", json_text_of(record, "moduleId"));
        }
        if (buffer_error(&resource))
                return out_of_memory();
        r = token_make(token, key, resource.data, record ? NULL : l->policy, expiry);
        if (r == -ENOMEM)
                return out_of_memory();
        return r < 0 ? no_key(id) : EXPLORER_OK;
}

static int run_sas_token(const Explorer *e, const Words *w)
{
        _cleanup_(secret_buffer_done) Buffer token = BUFFER_NULL;
        _cleanup_(record_done) Record record = {};
        const char *id = words_operand(w, 0);
        usec_t life = LIFE_DEFAULT;
        int r = words_time(w, "for", &life);

        if (r == EXPLORER_OK && (life < USEC_PER_SEC || life > LIFE_MOST))
                r = bad_usage("--for takes 1s to 365d");
        if (r == EXPLORER_OK && !id && words_have(w, "secondary"))
                r = bad_usage("--secondary is for the token of a device");
        if (r == EXPLORER_OK && id) {
                r = record_begin(&record, id);
                if (r == EXPLORER_OK)
                        r = record_get(e, &record);
        }
        if (r == EXPLORER_OK)
                r = make_token(&e->login, w, record.answer.json, (uint64_t)time(NULL) + life / USEC_PER_SEC, &token);
        return r == EXPLORER_OK ? print_line(e, "sasToken", &token) : r;
}

static const Option sas_token_options[] = {
        {"for", "D", "how long it is good (default 1h)", 0},
        {"secondary", NULL, "signed with the secondary key", 0},
        {},
};

const Command command_sas_token = {
        .name = "sas-token",
        .operands = "[DEVICE]",
        .n_least = 0,
        .n_most = 1,
        .summary = "a token for a device; without one, of the policy that is logged in",
        .text = "Whoever has it can do what it is for until it expires.",
        .options = sas_token_options,
        .run = run_sas_token,
};

/* ---- connection strings ---- */

static int run_connection_string(const Explorer *e, const Words *w)
{
        _cleanup_(secret_buffer_done) Buffer line = BUFFER_NULL;
        _cleanup_(record_done) Record record;
        int r = record_begin(&record, words_operand(w, 0));

        if (r == EXPLORER_OK)
                r = record_get(e, &record);
        if (r != EXPLORER_OK)
                return r;
        if (!identity_put_connection_string(record.answer.json, e->login.host, words_have(w, "secondary"), &line))
                return no_key(words_operand(w, 0));
        return print_line(e, "connectionString", &line);
}

static const Option connection_string_options[] = {
        {"secondary", NULL, "with the secondary key", 0},
        {},
};

const Command command_connection_string = {
        .name = "connection-string",
        .operands = "DEVICE",
        .n_least = 1,
        .n_most = 1,
        .summary = "what a device logs in with, on one line",
        .options = connection_string_options,
        .run = run_connection_string,
};

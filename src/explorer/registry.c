/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Registry - create, get, list, update and delete identities
 */

#include <string.h>

#include "base/secret.h"
#include "explorer/commands.h"
#include "explorer/identity.h"
#include "explorer/output.h"
#include "explorer/service.h"
#include "explorer/words.h"

/* One identity: its path, its name in words, and what the hub answered. */
typedef struct Record {
        const char *id;
        Buffer path, name;
        Answer answer;
} Record;

static int record_begin(Record *r, const char *id)
{
        *r = (Record){.id = id};
        put_path(&r->path, "devices", id, "");
        put_identity_name(&r->name, id);
        return buffer_error(&r->path) || buffer_error(&r->name) ? out_of_memory() : check_id(id);
}

static void record_done(Record *r)
{
        buffer_done(&r->path);
        buffer_done(&r->name);
        answer_done(&r->answer);
}

static int record_ask(const Explorer *e, Record *r, const char *method, const char *body, const char *etag,
                      unsigned tolerated)
{
        Question q = {
                .request = {.method = method, .path = r->path.data, .body = body, .etag = etag},
                .subject = {.what = r->name.data, .right = "RegistryWrite"},
                .tolerated = tolerated,
        };

        if (strcmp(method, "GET") == 0) {
                q.request.reads = true;
                q.subject.right = "RegistryRead";
        }
        answer_done(&r->answer);
        return service_ask(e, &q, &r->answer);
}

static int print_record(const Explorer *e, json_object *record)
{
        _cleanup_(secret_buffer_done) Buffer lines = BUFFER_NULL;

        if (!json_text_of(record, "deviceId")) {
                complain("%s does not answer with an identity: is it a hub?", e->login.host);
                return EXPLORER_FAILED;
        }
        if (!identity_complete(record, e->login.host))
                return out_of_memory();
        if (e->json)
                return output_json(record);
        identity_put_lines(record, &lines);
        return output_buffer(&lines);
}

/* ---- create ---- */

static json_object *new_identity(const char *id)
{
        json_object *o = json_object_new_object(), *authentication = json_object_new_object();
        json_object *keys = json_object_new_object();
        const char *slash = strchr(id, '/');
        bool ok = true;

        json_put(o, "deviceId", json_object_new_string_len(id, (int)strcspn(id, "/")), &ok);
        if (slash)
                json_put_text(o, "moduleId", slash + 1, &ok);
        json_put_text(keys, "primaryKey", "", &ok);
        json_put_text(keys, "secondaryKey", "", &ok);
        json_put_text(authentication, "type", "sas", &ok);
        json_put(authentication, "symmetricKey", keys, &ok);
        json_put(o, "authentication", authentication, &ok);
        if (ok)
                return o;
        (void)json_object_put(o);
        return NULL;
}

static int run_create(const Explorer *e, const Words *w)
{
        _cleanup_(json_unrefp) json_object *identity = new_identity(words_operand(w, 0));
        _cleanup_(record_done) Record record;
        int r = record_begin(&record, words_operand(w, 0));

        if (r != EXPLORER_OK)
                return r;
        if (!identity)
                return out_of_memory();
        r = record_ask(e, &record, "PUT", json_object_to_json_string_ext(identity, 0), NULL, 0);
        return r == EXPLORER_OK ? print_record(e, record.answer.json) : r;
}

const Command command_create = {
        .name = "create",
        .operands = "DEVICE",
        .n_least = 1,
        .n_most = 1,
        .summary = "make an identity; prints its keys and its connection string",
        .run = run_create,
};

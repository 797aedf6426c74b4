/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/record.h"

#include <string.h>

#include "explorer/output.h"

int record_begin(Record *record, const char *id)
{
        *record = (Record){.id = id};
        put_path(&record->path, "devices", id, "");
        put_identity_name(&record->name, id);
        return buffer_error(&record->path) || buffer_error(&record->name) ? out_of_memory() : check_id(id);
}

void record_done(Record *record)
{
        buffer_done(&record->path);
        buffer_done(&record->name);
        answer_done(&record->answer);
}

static int ask(const Explorer *e, Record *record, Question *q)
{
        q->request.path = record->path.data;
        q->subject.what = record->name.data;
        q->id = record->id;
        answer_done(&record->answer);
        return service_ask(e, q, &record->answer);
}

static int check_answer(const Explorer *e, const Record *record)
{
        if (json_text_of(record->answer.json, "deviceId"))
                return EXPLORER_OK;
        complain("%s does not answer with an identity: is it a hub?", e->login.host);
        return EXPLORER_FAILED;
}

int record_get(const Explorer *e, Record *record)
{
        Question q = {
                .request = {.method = "GET", .reads = true},
                .subject = {.right = "RegistryRead"},
        };
        int r = ask(e, record, &q);

        return r == EXPLORER_OK ? check_answer(e, record) : r;
}

int record_put(const Explorer *e, Record *record, json_object *identity, const char *etag, unsigned tolerated)
{
        Question q = {
                .request = {.method = "PUT", .etag = etag},
                .subject = {.right = "RegistryWrite"},
                .tolerated = tolerated,
        };
        int r;

        q.request.body = json_object_to_json_string_ext(identity, JSON_C_TO_STRING_PLAIN);
        if (!q.request.body)
                return out_of_memory();
        r = ask(e, record, &q);
        return r == EXPLORER_OK ? check_answer(e, record) : r;
}

int record_delete(const Explorer *e, Record *record, const char *etag)
{
        Question q = {
                .request = {.method = "DELETE", .etag = etag},
                .subject = {.right = "RegistryWrite"},
        };

        return ask(e, record, &q);
}

int etag_of_option(const Words *w, const char **ret)
{
        const char *value = words_value(w, "etag");

        for (const char *p = value; p && *p; p++)
                if (*p <= 0x20 || *p == 0x7f)
                        return bad_usage("--etag takes what get printed as etag, not '%s'", value);
        *ret = value && *value ? value : NULL;
        return EXPLORER_OK;
}

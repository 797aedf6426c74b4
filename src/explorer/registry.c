/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Registry - create, get, update and delete identities
 */

#include <string.h>

#include "base/secret.h"
#include "explorer/commands.h"
#include "explorer/identity-change.h"
#include "explorer/identity.h"
#include "explorer/output.h"
#include "explorer/record.h"
#include "explorer/words.h"

#define TRIES_MAX 5 /* of a change, while others change the same identity */

static int print_record(const Explorer *e, json_object *record)
{
        _cleanup_(secret_buffer_done) Buffer lines = BUFFER_NULL;

        if (!identity_complete(record, e->login.host))
                return out_of_memory();
        if (e->json)
                return output_json(record);
        identity_put_lines(record, &lines);
        return output_buffer(&lines);
}

/* ---- create ---- */

static int run_create(const Explorer *e, const Words *w)
{
        _cleanup_(json_unrefp) json_object *identity = NULL;
        _cleanup_(record_done) Record record;
        int r = record_begin(&record, words_operand(w, 0));

        if (r != EXPLORER_OK)
                return r;
        identity = identity_new(words_operand(w, 0));
        if (!identity)
                return out_of_memory();
        r = identity_change(w, identity);
        if (r == EXPLORER_OK)
                r = record_put(e, &record, identity, NULL, 0);
        return r == EXPLORER_OK ? print_record(e, record.answer.json) : r;
}

static const Option create_options[] = {IDENTITY_OPTIONS, {}};

const Command command_create = {
        .name = "create",
        .operands = "DEVICE",
        .n_least = 1,
        .n_most = 1,
        .summary = "make an identity; prints its keys and its connection string",
        .text = "Without keys, thumbprints or --x509-ca the hub draws two keys.",
        .options = create_options,
        .run = run_create,
};

/* ---- get ---- */

static int run_get(const Explorer *e, const Words *w)
{
        _cleanup_(record_done) Record record;
        int r = record_begin(&record, words_operand(w, 0));

        if (r == EXPLORER_OK)
                r = record_get(e, &record);
        return r == EXPLORER_OK ? print_record(e, record.answer.json) : r;
}

const Command command_get = {
        .name = "get",
        .operands = "DEVICE",
        .n_least = 1,
        .n_most = 1,
        .summary = "an identity, its keys and its connection string",
        .run = run_get,
};

/* ---- update ---- */

/* What the hub has is read, changed and written whole: a record written without its keys would get new ones
 * (trap 37). */
static int change_once(const Explorer *e, const Words *w, Record *record, const char *etag, bool last)
{
        _cleanup_(json_unrefp) json_object *identity = NULL;
        int r = record_get(e, record);

        if (r != EXPLORER_OK)
                return r;
        identity = json_object_get(record->answer.json);
        r = identity_change(w, identity);
        if (r == EXPLORER_OK)
                r = identity_renew_keys(w, identity);
        if (r != EXPLORER_OK)
                return r;
        if (!etag)
                etag = json_text_of(identity, "etag") ?: "*";
        return record_put(e, record, identity, etag, last ? 0 : 412);
}

static int run_update(const Explorer *e, const Words *w)
{
        _cleanup_(record_done) Record record;
        const char *etag = NULL;
        int r = record_begin(&record, words_operand(w, 0));

        if (r == EXPLORER_OK && !words_have_besides(w, "etag"))
                r = bad_usage("what is to change?");
        if (r == EXPLORER_OK)
                r = etag_of_option(w, &etag);
        if (r != EXPLORER_OK)
                return r;
        for (unsigned n = 1;; n++) {
                bool last = etag || n == TRIES_MAX;

                r = change_once(e, w, &record, etag, last);
                if (last || r == EXPLORER_OK || record.answer.reply.status != 412)
                        break;
        }
        return r == EXPLORER_OK ? print_record(e, record.answer.json) : r;
}

static const Option update_options[] = {
        IDENTITY_OPTIONS,
        {"renew-key", "WHICH", "primary, secondary or both: new keys; swap: the one for the other", 0},
        {"etag", "ETAG", "only if nobody changed it since then", 0},
        {},
};

const Command command_update = {
        .name = "update",
        .operands = "DEVICE",
        .n_least = 1,
        .n_most = 1,
        .summary = "change an identity; what is not named stays",
        .options = update_options,
        .run = run_update,
};

/* ---- delete ---- */

static int run_delete(const Explorer *e, const Words *w)
{
        _cleanup_(record_done) Record record;
        const char *etag = NULL;
        int r = record_begin(&record, words_operand(w, 0));

        if (r == EXPLORER_OK)
                r = etag_of_option(w, &etag);
        return r == EXPLORER_OK ? record_delete(e, &record, etag ?: "*") : r;
}

static const Option delete_options[] = {
        {"etag", "ETAG", "only if nobody changed it since then", 0},
        {},
};

const Command command_delete = {
        .name = "delete",
        .operands = "DEVICE",
        .n_least = 1,
        .n_most = 1,
        .summary = "remove an identity for ever, with its modules and its twin",
        .options = delete_options,
        .run = run_delete,
};

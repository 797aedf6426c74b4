/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Twin - get-twin and update-twin
 */

#include <stdio.h>
#include <string.h>

#include "explorer/commands.h"
#include "explorer/file.h"
#include "explorer/output.h"
#include "explorer/record.h"
#include "explorer/service.h"
#include "explorer/words.h"

#define PATCH_MAX ((size_t)512 << 10) /* what the hub takes (40 KB of names and values), with much white space */

static int ask_twin(const Explorer *e, const char *id, HttpsRequest *request, const char *right)
{
        _cleanup_(buffer_done) Buffer path = BUFFER_NULL, what = BUFFER_NULL;
        _cleanup_(answer_done) Answer answer = {};
        Question q;
        int r;

        put_path(&path, "twins", id, "");
        put_identity_name(&what, id);
        if (buffer_error(&path) || buffer_error(&what))
                return out_of_memory();
        request->path = path.data;
        q = (Question){.request = *request, .id = id, .subject = {.what = what.data, .right = right}};
        r = service_ask(e, &q, &answer);
        if (r != EXPLORER_OK)
                return r;
        if (json_object_is_type(answer.json, json_type_object))
                return output_document(e, answer.json);
        complain("%s does not answer with a twin: is it a hub?", e->login.host);
        return EXPLORER_FAILED;
}

/* ---- get ---- */

static int run_get_twin(const Explorer *e, const Words *w)
{
        HttpsRequest request = {.method = "GET", .reads = true};
        int r = check_id(words_operand(w, 0));

        return r == EXPLORER_OK ? ask_twin(e, words_operand(w, 0), &request, "ServiceConnect") : r;
}

const Command command_get_twin = {
        .name = "get-twin",
        .operands = "DEVICE",
        .n_least = 1,
        .n_most = 1,
        .summary = "the twin: tags, desired and reported properties with their times",
        .run = run_get_twin,
};

/* ---- update ---- */

/* {"properties":{"desired":...}} around what --desired says; {"desired":...} at the top is short for it. */
static void put_desired(json_object *patch, json_object *desired, bool *ok)
{
        json_object *properties = json_object_new_object();

        if (properties && json_object_object_add(properties, "desired", desired) < 0)
                *ok = false;
        json_put(patch, "properties", properties, ok);
}

/* What else stands in a twin is the hub's or the device's: to send it would change nothing, and hide a mistake. */
static int not_ours(const char *before, const char *name)
{
        return bad_usage("'%s%s' is nothing that a service writes: a patch holds tags and properties.desired", before,
                         name);
}

static int no_object(const char *before, const char *name)
{
        return bad_usage("'%s%s' of a patch is an object, such as {\"name\":\"value\"}", before, name);
}

static int check_patch(json_object *patch)
{
        json_object *properties = json_member(patch, "properties");

        if (!json_object_is_type(patch, json_type_object))
                return bad_usage("a twin's patch is an object: {\"tags\":{...},\"properties\":{\"desired\":{...}}}");
        json_object_object_foreach(patch, name, value) {
                if (strcmp(name, "tags") != 0 && strcmp(name, "properties") != 0)
                        return not_ours("", name);
                if (!json_object_is_type(value, json_type_object))
                        return no_object("", name);
        }
        if (properties) {
                json_object_object_foreach(properties, section, part) {
                        if (strcmp(section, "desired") != 0)
                                return not_ours("properties.", section);
                        if (!json_object_is_type(part, json_type_object))
                                return no_object("properties.", section);
                }
        }
        return EXPLORER_OK;
}

static int part_of_option(const Words *w, const char *option, json_object **ret)
{
        char what[32];

        (void)snprintf(what, sizeof(what), "--%s", option);
        return words_have(w, option) ? json_of_operand(words_value(w, option), what, PATCH_MAX, ret) : EXPLORER_OK;
}

static int patch_of_options(const Words *w, json_object **ret)
{
        json_object *tags = NULL, *desired = NULL, *patch = json_object_new_object();
        bool ok = patch;
        int r = part_of_option(w, "tags", &tags);

        if (r == EXPLORER_OK)
                r = part_of_option(w, "desired", &desired);
        if (r == EXPLORER_OK && tags)
                json_put(patch, "tags", TAKE_PTR(tags), &ok);
        if (r == EXPLORER_OK && desired)
                put_desired(patch, TAKE_PTR(desired), &ok);
        (void)json_object_put(tags);
        (void)json_object_put(desired);
        *ret = patch;
        return r != EXPLORER_OK ? r : ok ? EXPLORER_OK : out_of_memory();
}

static int patch_of_operand(const char *operand, json_object **ret)
{
        int r = json_of_operand(operand, "the patch", PATCH_MAX, ret);
        json_object *desired = r == EXPLORER_OK ? json_member(*ret, "desired") : NULL;
        bool ok = true;

        if (desired && !json_member(*ret, "properties")) {
                put_desired(*ret, json_object_get(desired), &ok);
                json_object_object_del(*ret, "desired");
        }
        return r != EXPLORER_OK ? r : ok ? EXPLORER_OK : out_of_memory();
}

static int run_update_twin(const Explorer *e, const Words *w)
{
        _cleanup_(json_unrefp) json_object *patch = NULL;
        bool by_options = words_have(w, "tags") || words_have(w, "desired");
        const char *id = words_operand(w, 0), *operand = words_operand(w, 1);
        HttpsRequest request = {.method = words_have(w, "replace") ? "PUT" : "PATCH"};
        int r = check_id(id);

        if (r == EXPLORER_OK && !by_options && !operand)
                r = bad_usage("what is to change? give the patch as JSON, @FILE or -, or its parts by --tags and "
                              "--desired");
        if (r == EXPLORER_OK && by_options && operand)
                r = bad_usage("give the patch whole or by --tags and --desired, not both");
        if (r == EXPLORER_OK)
                r = etag_of_option(w, &request.etag);
        if (r == EXPLORER_OK)
                r = by_options ? patch_of_options(w, &patch) : patch_of_operand(operand, &patch);
        if (r == EXPLORER_OK)
                r = check_patch(patch);
        if (r != EXPLORER_OK)
                return r;
        if (!request.etag)
                request.etag = "*";
        request.body = json_object_to_json_string_ext(patch, JSON_C_TO_STRING_PLAIN);
        return request.body ? ask_twin(e, id, &request, "ServiceConnect") : out_of_memory();
}

static const Option update_twin_options[] = {
        {"tags", "JSON", "the tags' part of the patch: JSON, @FILE or -", 0},
        {"desired", "JSON", "the desired properties' part", 0},
        {"replace", NULL, "tags and desired properties become this and nothing else", 0},
        {"etag", "ETAG", "only if nobody changed it since then", 0},
        {},
};

const Command command_update_twin = {
        .name = "update-twin",
        .operands = "DEVICE [JSON|@FILE|-]",
        .n_least = 1,
        .n_most = 2,
        .summary = "merge a patch into tags and desired properties; null deletes",
        .text = "{\"tags\":{...},\"properties\":{\"desired\":{...}}}, or short {\"desired\":{...}}; - is standard "
                "input.\n"
                "Prints the twin as it is now.",
        .options = update_twin_options,
        .run = run_update_twin,
};

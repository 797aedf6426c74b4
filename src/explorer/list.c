/* SPDX-License-Identifier: Apache-2.0 */

/*
 * List - the registry as a whole: its identities, and how many there are
 */

#include <inttypes.h>

#include "explorer/commands.h"
#include "explorer/identity.h"
#include "explorer/output.h"
#include "explorer/rows.h"
#include "explorer/service.h"
#include "explorer/words.h"

#define LIST_MAX 1000 /* what the hub gives at once, and there is no second page */

/* ---- list ---- */

static void complete_all(const Explorer *e, json_object *page)
{
        for (size_t i = 0; json_object_is_type(page, json_type_array) && i < json_object_array_length(page); i++)
                (void)identity_complete(json_object_array_get_idx(page, i), e->login.host);
}

static int list(const Explorer *e, const char *path, const char *device, const char *what, const char *const *columns,
                uint64_t most)
{
        Question q = {
                .request = {.method = "GET", .path = path, .reads = true},
                .id = device,
                .subject = {.what = what, .right = "RegistryRead"},
        };
        Rows rows = {.explorer = e, .shape = ROWS_TABLE, .columns = columns, .most = most};
        _cleanup_(answer_done) Answer answer = {};
        int r = service_ask(e, &q, &answer);

        if (r != EXPLORER_OK)
                return r;
        complete_all(e, answer.json);
        r = rows_add(&rows, answer.json);
        if (r == EXPLORER_OK)
                r = rows_end(&rows);
        if (r == EXPLORER_OK && most == LIST_MAX && rows_are_enough(&rows))
                remark(e, "these are the first %d; all of them: hublink-explorer query \"SELECT * FROM devices\"",
                       LIST_MAX);
        return r;
}

static int run_list(const Explorer *e, const Words *w)
{
        static const char *const of_devices[] = {"deviceId", "status", "connectionState", "authMethod",
                                                 "cloudToDeviceMessageCount", "lastActivityTime", NULL};
        static const char *const of_modules[] = {"moduleId", "connectionState", "authMethod", "managedBy",
                                                 "lastActivityTime", NULL};
        const char *device = words_operand(w, 0);
        _cleanup_(buffer_done) Buffer path = BUFFER_NULL, what = BUFFER_NULL;
        uint64_t most = LIST_MAX;
        int r = words_number(w, "top", 1, LIST_MAX, &most);

        if (r == EXPLORER_OK && device)
                r = check_id(device);
        if (r == EXPLORER_OK && device && is_module(device))
                r = bad_usage("'%s' is a module: list takes a device, whose modules it shows", device);
        if (r != EXPLORER_OK)
                return r;
        if (device) {
                put_path(&path, "devices", device, "/modules");
                put_identity_name(&what, device);
        } else {
                buffer_printf(&path, "/devices?top=%" PRIu64 "&api-version=" SERVICE_VERSION, most);
                buffer_append_string(&what, "the list");
        }
        if (buffer_error(&path) || buffer_error(&what))
                return out_of_memory();
        return list(e, path.data, device, what.data, device ? of_modules : of_devices, most);
}

static const Option list_options[] = {
        {"top", "N", "at most so many (default and most: 1000)", 0},
        {},
};

const Command command_list = {
        .name = "list",
        .operands = "[DEVICE]",
        .n_least = 0,
        .n_most = 1,
        .summary = "the devices, or the modules of one",
        .options = list_options,
        .run = run_list,
};

/* ---- statistics ---- */

static int ask_statistics(const Explorer *e, const char *path, json_object *all)
{
        Question q = {
                .request = {.method = "GET", .path = path, .reads = true},
                .subject = {.what = "the statistics", .right = "RegistryRead"},
        };
        _cleanup_(answer_done) Answer answer = {};
        bool ok = true;
        int r = service_ask(e, &q, &answer);

        if (r != EXPLORER_OK)
                return r;
        if (!json_object_is_type(answer.json, json_type_object)) {
                complain("%s does not answer with statistics: is it a hub?", e->login.host);
                return EXPLORER_FAILED;
        }
        json_object_object_foreach(answer.json, name, value)
                json_put(all, name, json_object_get(value), &ok);
        return ok ? EXPLORER_OK : out_of_memory();
}

static int run_statistics(const Explorer *e, const Words *w)
{
        static const char *const names[] = {"totalDeviceCount", "enabledDeviceCount", "disabledDeviceCount",
                                            "connectedDeviceCount"};
        _cleanup_(json_unrefp) json_object *all = json_object_new_object();
        _cleanup_(buffer_done) Buffer lines = BUFFER_NULL;
        int r;

        if (!all)
                return out_of_memory();
        r = ask_statistics(e, "/statistics/devices?api-version=" SERVICE_VERSION, all);
        if (r == EXPLORER_OK)
                r = ask_statistics(e, "/statistics/service?api-version=" SERVICE_VERSION, all);
        if (r != EXPLORER_OK)
                return r;
        if (e->json)
                return output_json(all);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                buffer_printf(&lines, "%-26s %s\n", names[i],
                              json_member(all, names[i]) ? json_object_get_string(json_member(all, names[i])) : "-");
        return output_buffer(&lines);
}

const Command command_statistics = {
        .name = "statistics",
        .operands = "",
        .summary = "how many devices there are, how many are enabled, how many connected",
        .run = run_statistics,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/cli/device-command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/secret.h"
#include "devhub/cli/arguments.h"
#include "devhub/cli/control.h"
#include "devhub/cli/known-ids.h"
#include "devhub/cli/store-words.h"
#include "devhub/hub/registry.h"

typedef struct Office {
        Store store;
        char *host;
        Buffer out;
        bool json;
        size_t n_listed;
} Office;

static int failed(const StateDir *dir, const Office *office, int error)
{
        return store_words_complain(dir, &office->store, error);
}

static int office_open(Office *office, StateDir *dir)
{
        int r;

        r = store_open(&office->store, dir->path, dir->fd, false);
        if (r < 0)
                return r;
        /* also those of an older hub */
        r = registry_prepare(&office->store);
        if (r < 0)
                return r;
        r = store_get(&office->store, "host", &office->host);
        if (r < 0)
                return r;
        /* a hub that never served will be given this name, unless it is told another */
        if (r == 0)
                office->host = strdup(ARGUMENTS_HOST);
        return office->host ? 0 : -ENOMEM;
}

static void office_done(Office *office)
{
        store_done(&office->store);
        free(office->host);
        secret_buffer_done(&office->out);
}

/* ---- printing ---- */

static void add_member(Buffer *b, const char *name, const char *value)
{
        buffer_append_char(b, ',');
        json_string(b, name);
        buffer_append_char(b, ':');
        json_string(b, value);
}

static void print_json(Office *office, const Identity *identity)
{
        _cleanup_(secret_buffer_done) Buffer cs = BUFFER_NULL;
        Buffer *b = &office->out;

        identity_connection_string(identity, office->host, &cs);
        buffer_append_string(b, "{\"deviceId\":");
        json_string(b, identity->device_id);
        if (identity->module_id)
                add_member(b, "moduleId", identity->module_id);
        add_member(b, "primaryKey", identity->primary_key);
        add_member(b, "secondaryKey", identity->secondary_key);
        add_member(b, "generationId", identity->generation_id);
        add_member(b, "connectionString", cs.size > 0 ? cs.data : "");
        buffer_append_char(b, '}');
}

static void print_plain(Office *office, const Identity *identity)
{
        Buffer *b = &office->out;

        buffer_printf(b, "deviceId: %s\n", identity->device_id);
        if (identity->module_id)
                buffer_printf(b, "moduleId: %s\n", identity->module_id);
        buffer_printf(b, "primaryKey: %s\nsecondaryKey: %s\nconnectionString: ", identity->primary_key,
                      identity->secondary_key);
        identity_connection_string(identity, office->host, b);
        buffer_append_char(b, '\n');
}

static int put_out(Office *office)
{
        if (buffer_error(&office->out))
                return EXIT_FAILURE;
        if (office->out.size > 0)
                (void)fwrite(office->out.data, 1, office->out.size, stdout);
        return EXIT_SUCCESS;
}

/* ---- commands ---- */

static int create(Office *office, StateDir *dir, const char *device_id, const char *module_id)
{
        _cleanup_(identity_done) Identity identity = {};
        int r = registry_create(&office->store, device_id, module_id, &identity);

        if (r < 0)
                return failed(dir, office, r);
        if (r == REGISTRY_E_EXISTS) {
                (void)fprintf(stderr, "hublink-devhub: %s%s%s exists already; device list --json shows its keys\n",
                              device_id, module_id ? "/" : "", module_id ? module_id : "");
                return EXIT_FAILURE;
        }
        if (r == REGISTRY_E_NO_DEVICE) {
                (void)fprintf(stderr, "hublink-devhub: there is no device %s for the module: create it first\n",
                              device_id);
                return EXIT_FAILURE;
        }
        if (office->json) {
                print_json(office, &identity);
                buffer_append_char(&office->out, '\n');
        } else {
                print_plain(office, &identity);
        }
        return put_out(office);
}

int device_create(StateDir *dir, const char *id, bool json)
{
        _cleanup_free_ char *device_id = NULL, *module_id = NULL;
        Office office = {.json = json};
        int r;

        r = identity_parse(id, &device_id, &module_id);
        if (r >= 0)
                r = office_open(&office, dir);
        r = r < 0 ? failed(dir, &office, r) : create(&office, dir, device_id, module_id);
        office_done(&office);
        return r;
}

static int list_one(void *userdata, const Identity *identity)
{
        Office *office = userdata;

        if (office->json) {
                buffer_append_string(&office->out, office->n_listed > 0 ? ",\n " : "[");
                print_json(office, identity);
        } else {
                identity_name(identity->device_id, identity->module_id, &office->out);
                buffer_append_char(&office->out, '\n');
        }
        office->n_listed++;
        return 0;
}

int device_list(StateDir *dir, bool json)
{
        Office office = {.json = json};
        int r;

        r = office_open(&office, dir);
        if (r >= 0)
                r = registry_each(&office.store, list_one, &office);
        if (r < 0) {
                r = failed(dir, &office, r);
        } else {
                if (json)
                        buffer_append_string(&office.out, office.n_listed > 0 ? "]\n" : "[]\n");
                r = put_out(&office);
        }
        office_done(&office);
        return r;
}

/* A server that runs cuts the identity's links; one that does not has none. */
static void tell_server(StateDir *dir, const char *device_id, const char *module_id)
{
        json_object *request = json_object_new_object(), *answer = NULL;

        json_object_object_add(request, "verb", json_object_new_string("forget"));
        json_object_object_add(request, "device", json_object_new_string(device_id));
        if (module_id)
                json_object_object_add(request, "module", json_object_new_string(module_id));
        (void)control_call(dir, request, &answer);
        json_object_put(request);
        json_object_put(answer);
}

static int unknown(const StateDir *dir, Office *office, const char *id)
{
        _cleanup_free_ char *nearest = NULL;
        int r = known_ids_find(&office->store, id, &nearest);

        if (r < 0)
                return failed(dir, office, r);
        if (nearest)
                (void)fprintf(stderr, "hublink-devhub: there is no %s; did you mean %s?\n", id, nearest);
        else
                (void)fprintf(stderr, "hublink-devhub: there is no %s: device list names those that there are\n", id);
        return EXIT_FAILURE;
}

int device_delete(StateDir *dir, const char *id)
{
        _cleanup_free_ char *device_id = NULL, *module_id = NULL;
        Office office = {};
        int r;

        r = identity_parse(id, &device_id, &module_id);
        if (r >= 0)
                r = office_open(&office, dir);
        if (r >= 0)
                r = registry_delete(&office.store, device_id, module_id);
        if (r < 0) {
                r = failed(dir, &office, r);
        } else if (r == REGISTRY_E_UNKNOWN) {
                r = unknown(dir, &office, id);
        } else {
                tell_server(dir, device_id, module_id);
        }
        office_done(&office);
        return r;
}

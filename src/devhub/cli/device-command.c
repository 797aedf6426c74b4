/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/cli/device-command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/secret.h"
#include "devhub/cli/arguments.h"
#include "devhub/cli/control.h"
#include "devhub/hub/registry.h"

typedef struct Desk {
        Store store;
        char *host;
        Buffer out;
        bool json;
        size_t n_listed;
} Desk;

static int failed(const StateDir *dir, const Desk *desk, int error)
{
        if (error == -ENOENT)
                (void)fprintf(stderr, "hublink-devhub: no hub has been in %s yet\n", dir->path);
        else
                (void)fprintf(stderr, "hublink-devhub: %s/devhub.db: %s (%s)\n", dir->path, strerror(-error),
                              store_error(&desk->store));
        return EXIT_FAILURE;
}

static int desk_open(Desk *desk, StateDir *dir, bool create)
{
        int r;

        r = store_open(&desk->store, dir->path, dir->fd, create);
        if (r < 0)
                return r;
        r = store_get(&desk->store, "host", &desk->host);
        if (r < 0)
                return r;
        /* a hub that never served will be given this name, unless it is told another */
        if (r == 0)
                desk->host = strdup(ARGUMENTS_HOST);
        return desk->host ? 0 : -ENOMEM;
}

static void desk_done(Desk *desk)
{
        store_done(&desk->store);
        free(desk->host);
        secret_buffer_done(&desk->out);
}

static int parse_id(const char *id, char **ret_device_id, char **ret_module_id)
{
        int r = identity_parse(id, ret_device_id, ret_module_id);

        if (r == -EINVAL)
                (void)fprintf(stderr,
                              "hublink-devhub: '%s' cannot be an id: 1 to %d of letters, digits and"
                              " - . %% _ * ? ! ( ) , : = @ $ ', for a module DEVICE/MODULE\n",
                              id, IDENTITY_ID_MAX);
        else if (r < 0)
                (void)fprintf(stderr, "hublink-devhub: %s\n", strerror(-r));
        return r;
}

/* ---- printing ---- */

static void add_member(Buffer *b, const char *name, const char *value)
{
        buffer_append_char(b, ',');
        json_string(b, name);
        buffer_append_char(b, ':');
        json_string(b, value);
}

static void print_json(Desk *desk, const Identity *identity)
{
        _cleanup_(secret_buffer_done) Buffer cs = BUFFER_NULL;
        Buffer *b = &desk->out;

        identity_connection_string(identity, desk->host, &cs);
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

static void print_plain(Desk *desk, const Identity *identity)
{
        Buffer *b = &desk->out;

        buffer_printf(b, "deviceId: %s\n", identity->device_id);
        if (identity->module_id)
                buffer_printf(b, "moduleId: %s\n", identity->module_id);
        buffer_printf(b, "primaryKey: %s\nsecondaryKey: %s\nconnectionString: ", identity->primary_key,
                      identity->secondary_key);
        identity_connection_string(identity, desk->host, b);
        buffer_append_char(b, '\n');
}

static int put_out(Desk *desk)
{
        if (buffer_error(&desk->out))
                return EXIT_FAILURE;
        if (desk->out.size > 0)
                (void)fwrite(desk->out.data, 1, desk->out.size, stdout);
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- commands ---- */

static int create(Desk *desk, StateDir *dir, const char *device_id, const char *module_id)
{
        _cleanup_(identity_done) Identity identity = {};
        int r = registry_create(&desk->store, device_id, module_id, &identity);

        if (r < 0)
                return failed(dir, desk, r);
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
        if (desk->json) {
                print_json(desk, &identity);
                buffer_append_char(&desk->out, '\n');
        } else {
                print_plain(desk, &identity);
        }
        return put_out(desk);
}

int device_create(StateDir *dir, const char *id, bool json)
{
        _cleanup_free_ char *device_id = NULL, *module_id = NULL;
        Desk desk = {.json = json};
        int r;

        if (parse_id(id, &device_id, &module_id) < 0)
                return EXIT_FAILURE;
        r = desk_open(&desk, dir, true);
        r = r < 0 ? failed(dir, &desk, r) : create(&desk, dir, device_id, module_id);
        desk_done(&desk);
        return r;
}

static int list_one(void *userdata, const Identity *identity)
{
        Desk *desk = userdata;

        if (desk->json) {
                buffer_append_string(&desk->out, desk->n_listed > 0 ? ",\n " : "[");
                print_json(desk, identity);
        } else {
                identity_name(identity->device_id, identity->module_id, &desk->out);
                buffer_append_char(&desk->out, '\n');
        }
        desk->n_listed++;
        return 0;
}

int device_list(StateDir *dir, bool json)
{
        Desk desk = {.json = json};
        int r;

        r = desk_open(&desk, dir, false);
        if (r >= 0)
                r = registry_each(&desk.store, list_one, &desk);
        if (r < 0) {
                r = failed(dir, &desk, r);
        } else {
                if (json)
                        buffer_append_string(&desk.out, desk.n_listed > 0 ? "]\n" : "[]\n");
                r = put_out(&desk);
        }
        desk_done(&desk);
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

int device_delete(StateDir *dir, const char *id)
{
        _cleanup_free_ char *device_id = NULL, *module_id = NULL;
        Desk desk = {};
        int r;

        if (parse_id(id, &device_id, &module_id) < 0)
                return EXIT_FAILURE;
        r = desk_open(&desk, dir, false);
        if (r >= 0)
                r = registry_delete(&desk.store, device_id, module_id);
        if (r < 0) {
                r = failed(dir, &desk, r);
        } else if (r == REGISTRY_E_UNKNOWN) {
                (void)fprintf(stderr, "hublink-devhub: there is no %s\n", id);
                r = EXIT_FAILURE;
        } else {
                tell_server(dir, device_id, module_id);
        }
        desk_done(&desk);
        return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/endpoints.h"

#include <errno.h>
#include <unistd.h>

#include "base/json.h"
#include "base/secret.h"
#include "devhub/dps/service.h"
#include "devhub/hub/registry.h"

static void add_text(Buffer *b, const char *name, const char *value)
{
        buffer_append_string(b, b->size > 0 ? ",\n  " : "{\n  ");
        json_string(b, name);
        buffer_append_string(b, ": ");
        json_string(b, value);
}

static void add_number(Buffer *b, const char *name, unsigned value)
{
        buffer_append_string(b, b->size > 0 ? ",\n  " : "{\n  ");
        json_string(b, name);
        buffer_printf(b, ": %u", value);
}

static int add_login(const Hub *hub, Buffer *b, const char *name, const char *policy_name)
{
        _cleanup_(secret_buffer_done) Buffer login = BUFFER_NULL;
        _cleanup_(policy_done) Policy policy = {};
        int r;

        r = policy_find(hub->store, policy_name, &policy);
        if (r != 0)
                return r < 0 ? r : -ENOENT;
        buffer_printf(&login, "HostName=%s;SharedAccessKeyName=%s;SharedAccessKey=%s", hub->host, policy_name,
                      policy.primary_key);
        if (buffer_error(&login))
                return -ENOMEM;
        add_text(b, name, login.data);
        return 0;
}

static int add_id_scope(const Hub *hub, Buffer *b)
{
        _cleanup_free_ char *id_scope = NULL;
        int r = dps_service_id_scope(hub->store, &id_scope);

        if (r >= 0)
                add_text(b, "id_scope", id_scope);
        return r;
}

int endpoints_write(StateDir *dir, Server *server, const Doors *doors, const char *listen)
{
        _cleanup_(secret_buffer_done) Buffer b = BUFFER_NULL;
        _cleanup_(buffer_done) Buffer ca = BUFFER_NULL;
        const Hub *hub = server_hub(server);
        int r;

        buffer_printf(&ca, "%s/ca.pem", dir->path);
        if (buffer_error(&ca))
                return -ENOMEM;
        add_text(&b, "host", hub->host);
        add_text(&b, "listen", listen);
        add_number(&b, "mqtt_port", server_mqtt_port(server));
        add_number(&b, "https_port", doors_https_port(doors));
        add_number(&b, "amqps_port", doors_amqps_port(doors));
        add_number(&b, "amqp_port", doors_amqp_port(doors));
        add_text(&b, "ca_file", ca.data);
        r = add_login(hub, &b, "owner_connection_string", "iothubowner");
        if (r >= 0)
                r = add_login(hub, &b, "service_connection_string", "service");
        if (r < 0)
                return r;
        r = add_id_scope(hub, &b);
        if (r < 0)
                return r;
        add_number(&b, "pid", (unsigned)getpid());
        buffer_append_string(&b, "\n}\n");
        return buffer_error(&b) ? -ENOMEM : state_dir_write(dir, "endpoints.json", b.data, b.size);
}

void endpoints_remove(StateDir *dir)
{
        (void)unlinkat(dir->fd, "endpoints.json", 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/endpoints.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "explorer/file.h"
#include "explorer/json-text.h"
#include "explorer/output.h"

#define FILE_MAX 65536

void endpoints_done(Endpoints *e)
{
        free(e->host);
        free(e->address);
        free(e->ca_file);
        secret_free(e->login);
        *e = (Endpoints){};
}

/* An address to listen on for all is, for us, the loopback's. */
static const char *reachable(const char *listen)
{
        if (strcmp(listen, "0.0.0.0") == 0)
                return "127.0.0.1";
        return strcmp(listen, "::") == 0 ? "::1" : listen;
}

static uint16_t port_of(json_object *o, const char *name)
{
        json_object *value;
        int64_t port = json_object_object_get_ex(o, name, &value) ? json_object_get_int64(value) : 0;

        return port > 0 && port <= UINT16_MAX ? (uint16_t)port : 0;
}

static int take(json_object *o, Endpoints *e)
{
        const char *host = json_text_of(o, "host"), *listen = json_text_of(o, "listen");
        const char *ca_file = json_text_of(o, "ca_file"), *login = json_text_of(o, "owner_connection_string");

        if (!host || !listen || !ca_file || !login)
                return -EBADMSG;
        e->host = strdup(host);
        e->address = strdup(reachable(listen));
        e->ca_file = strdup(ca_file);
        e->login = strdup(login);
        e->https_port = port_of(o, "https_port");
        e->amqps_port = port_of(o, "amqps_port");
        return e->host && e->address && e->ca_file && e->login ? 0 : -ENOMEM;
}

static int read_file(const char *path, Endpoints *e)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        _cleanup_(secret_buffer_done) Buffer text = BUFFER_NULL;
        _cleanup_(json_unrefp) json_object *o = NULL;
        int r = fd < 0 ? -errno : file_read(&text, fd, FILE_MAX);

        if (r < 0)
                return r;
        r = json_text_parse(text.data ?: "", text.size, &o, NULL);
        return r < 0 ? r : take(o, e);
}

int endpoints_read(const char *directory, Endpoints *ret)
{
        _cleanup_free_ char *path = NULL;
        int r;

        *ret = (Endpoints){};
        if (asprintf(&path, "%s/endpoints.json", directory) < 0) {
                path = NULL;
                return out_of_memory();
        }
        r = read_file(path, ret);
        if (r == 0)
                return EXPLORER_OK;
        endpoints_done(ret);
        if (r == -ENOENT)
                complain("no hublink-devhub runs in %s: it has no endpoints.json", directory);
        else if (r == -EBADMSG)
                complain("%s is not what a hublink-devhub of this version writes", path);
        else
                complain("%s cannot be read: %s", path, strerror(-r));
        return EXPLORER_FAILED;
}

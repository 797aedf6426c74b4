/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/path.h"

#include <stdio.h>
#include <string.h>

#include "azure/percent.h"
#include "explorer/output.h"

#define ID_MAX 128

size_t path_device_size(const char *id)
{
        return strcspn(id, "/");
}

bool is_module(const char *id)
{
        return strchr(id, '/');
}

static void put_part(Buffer *b, const char *part, size_t size)
{
        char text[ID_MAX + 1];

        (void)snprintf(text, sizeof(text), "%.*s", (int)MIN(size, (size_t)ID_MAX), part);
        percent_encode(b, text);
}

void put_encoded(Buffer *b, const char *id)
{
        percent_encode(b, id);
}

void put_path(Buffer *b, const char *root, const char *id, const char *tail)
{
        size_t n = path_device_size(id);

        buffer_printf(b, "/%s/", root);
        put_part(b, id, n);
        if (id[n]) {
                buffer_append_string(b, "/modules/");
                put_part(b, id + n + 1, strlen(id + n + 1));
        }
        buffer_printf(b, "%s?api-version=" SERVICE_VERSION, tail);
}

void put_identity_name(Buffer *b, const char *id)
{
        buffer_printf(b, "%s '%s'", is_module(id) ? "module" : "device", id);
}

static bool is_id(const char *part, size_t size)
{
        static const char others[] = "-:.+%_#*?!(),=@$'";

        for (size_t i = 0; i < size; i++)
                if (!((part[i] >= 'A' && part[i] <= 'Z') || (part[i] >= 'a' && part[i] <= 'z') ||
                      (part[i] >= '0' && part[i] <= '9') || strchr(others, part[i])))
                        return false;
        return size > 0 && size <= ID_MAX;
}

int check_id(const char *id)
{
        size_t n = path_device_size(id);

        if (is_id(id, n) && (!id[n] || is_id(id + n + 1, strlen(id + n + 1))))
                return EXPLORER_OK;
        return bad_usage("'%s' cannot be an id: 1 to %d of letters, digits and - : . + %% _ # * ? ! ( ) , = @ $ ', for "
                         "a module DEVICE/MODULE",
                         id, ID_MAX);
}

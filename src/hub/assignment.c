/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/assignment.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "model/document.h"

#define HOST_MAX      253
#define DEVICE_ID_MAX 128

#define HOST_CHARACTERS   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"
#define DEVICE_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.+%_#*?!(),:=@$'"

/* Both go into topics, tokens and the log. */
static bool is_made_of(const char *text, const char *characters, size_t max)
{
        size_t size = strlen(text);

        return size > 0 && size <= max && strspn(text, characters) == size;
}

int assignment_new(Assignment **ret, const char *registration, const char *host, const char *device_id)
{
        _cleanup_(assignment_freep) Assignment *a = NULL;

        if (!is_made_of(host, HOST_CHARACTERS, HOST_MAX) || !is_made_of(device_id, DEVICE_CHARACTERS, DEVICE_ID_MAX))
                return -EINVAL;
        a = calloc(1, sizeof(*a));
        if (!a)
                return -ENOMEM;
        a->registration = strdup(registration);
        a->host = strdup(host);
        a->device_id = strdup(device_id);
        if (!a->registration || !a->host || !a->device_id)
                return -ENOMEM;
        *ret = TAKE_PTR(a);
        return 0;
}

Assignment *assignment_free(Assignment *a)
{
        if (!a)
                return NULL;
        free(a->registration);
        free(a->host);
        free(a->device_id);
        free(a);
        return NULL;
}

bool assignment_equal(const Assignment *a, const Assignment *b)
{
        if (!a || !b)
                return a == b;
        return strcmp(a->registration, b->registration) == 0 && strcmp(a->host, b->host) == 0 &&
               strcmp(a->device_id, b->device_id) == 0;
}

/* ---- as text ---- */

static void put_member(Buffer *b, const char *name, const char *value)
{
        json_string(b, name);
        buffer_append_char(b, ':');
        json_string(b, value);
}

void assignment_write(const Assignment *a, Buffer *b)
{
        buffer_append_char(b, '{');
        put_member(b, "registration", a->registration);
        buffer_append_char(b, ',');
        put_member(b, "assignedHub", a->host);
        buffer_append_char(b, ',');
        put_member(b, "deviceId", a->device_id);
        buffer_append_string(b, "}\n");
}

int assignment_read(Assignment **ret, const char *text, size_t size)
{
        _cleanup_(document_freep) Document *d = NULL;
        const char *registration, *host, *device_id, *error;
        int r;

        r = document_parse(&d, text, size, &error);
        if (r < 0)
                return r;
        registration = document_text_member(d, "registration");
        host = document_text_member(d, "assignedHub");
        device_id = document_text_member(d, "deviceId");
        if (!registration || !host || !device_id)
                return -EBADMSG;
        r = assignment_new(ret, registration, host, device_id);
        return r == -EINVAL ? -EBADMSG : r;
}

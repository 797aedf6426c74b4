/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An enrollment as a service writes it over HTTPS, any bytes, of either kind. What is taken and written comes back as
 * the same.
 */

#include <string.h>

#include "devhub/dps/enrollment-json.h"
#include "fuzz.h"
#include "model/json-read.h"

static json_object *read_json(const void *data, size_t size)
{
        json_object *value = NULL;
        const char *error;

        return json_read(data, size, &value, &error) < 0 ? NULL : value;
}

/* With an etag and keys, as the store gives them. */
static void write_down(Enrollment *e, Buffer *b)
{
        json_object *object, *attestation;

        if (!e->etag)
                e->etag = strdup("E");
        object = enrollment_to_json(e);
        attestation = enrollment_attestation_to_json(e);
        promise(object && attestation);
        json_write(b, object);
        json_write(b, attestation);
        (void)json_object_put(attestation);
        (void)json_object_put(object);
}

static void write_and_read(Enrollment *e)
{
        _cleanup_(buffer_done) Buffer first = BUFFER_NULL, second = BUFFER_NULL;
        _cleanup_(enrollment_done) Enrollment again = {};
        json_object *object;
        const char *error;

        write_down(e, &first);
        object = enrollment_to_json(e);
        promise(json_object_object_add(object, "attestation", enrollment_attestation_to_json(e)) == 0);
        promise(enrollment_from_json(object, e->kind, e->id, &again, &error) == 0);
        (void)json_object_put(object);
        write_down(&again, &second);
        promise(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
}

static void take(json_object *body, EnrollmentKind kind)
{
        _cleanup_(enrollment_done) Enrollment e = {};
        const char *error;
        int r = enrollment_from_json(body, kind, NULL, &e, &error);

        if (r == 0)
                write_and_read(&e);
        else
                promise(error && *error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        json_object *body = read_json(data, size);

        take(body, ENROLLMENT_INDIVIDUAL);
        take(body, ENROLLMENT_GROUP);
        (void)json_object_put(body);
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A query of any bytes, and behind a line end the twin that it is asked of. What is refused says why; what is taken
 * gives rows that are JSON, and no more of them than there were twins.
 */

#include <errno.h>
#include <string.h>

#include "base/utf8.h"
#include "model/json-read.h"
#include "devhub/hub/query.h"
#include "fuzz.h"

#define TIMES 3 /* the twin is shown */

static json_object *twin_of(const uint8_t *data, size_t size)
{
        json_object *twin = NULL;
        const char *error;

        if (json_read((const char *)data, size, &twin, &error) == 0 && json_object_is_type(twin, json_type_object))
                return twin;
        json_object_put(twin);
        return json_object_new_object();
}

static void check_row(json_object *row)
{
        Buffer text = BUFFER_NULL;
        json_object *again = NULL;
        const char *error;

        promise(row);
        json_write(&text, row);
        promise(json_read(text.data, text.size, &again, &error) == 0);
        json_object_put(again);
        buffer_done(&text);
}

static void ask(Query *q, json_object *twin)
{
        bool matches = query_matches(q, twin);
        json_object *row;

        promise(matches == query_matches(q, twin));
        if (!matches || query_is_summary(q))
                return;
        row = query_row(q, twin);
        check_row(row);
        json_object_put(row);
}

static void sum_up(Query *q, json_object *twin)
{
        json_object *rows;

        for (unsigned i = 0; i < TIMES; i++)
                promise(query_gather(q, twin) == 0);
        rows = query_rows(q);
        check_row(rows);
        promise(json_object_array_length(rows) == 1);
        json_object_put(rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const uint8_t *end = memchr(data, '\n', size);
        size_t n = end ? (size_t)(end - data) : size;
        char *text = strndup((const char *)data, n);
        Buffer error = BUFFER_NULL;
        Query *q = NULL;
        int r;

        promise(text);
        r = query_parse(text, &q, &error);
        promise(r == 0 ? q && error.size == 0 : r == -EBADMSG && !q && error.size > 0);
        /* the words of a text that is UTF-8 are too */
        promise(!utf8_is_valid(text, strlen(text)) || utf8_is_valid(error.data ? error.data : "", error.size));
        if (q) {
                json_object *twin = end ? twin_of(end + 1, size - n - 1) : json_object_new_object();

                ask(q, twin);
                if (query_is_summary(q))
                        sum_up(q, twin);
                json_object_put(twin);
        }
        query_free(q);
        buffer_done(&error);
        free(text);
        return 0;
}

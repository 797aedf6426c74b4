/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The properties that a service writes: looked at, kept, and acknowledged.
 *
 * A service may write the plain value, or {"value": ...} as the answer has it: both are meant the same.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "flow/pnp-core.h"
#include "model/json-read.h"

#define TAKEN   200
#define REFUSED 400

#define TAKEN_WORDS "Successfully executed patch"

/* ---- what is wished ---- */

/* false: nothing is, which the desk tells as an empty object. *ret is borrowed from the half. */
static bool find_wish(json_object *half, const WritableSettings *s, json_object **ret)
{
        if (*s->component && !json_object_is_type(half, json_type_object))
                return false;
        if (*s->component && !json_object_object_get_ex(half, s->name, &half))
                return false;
        if (json_object_is_type(half, json_type_object) && json_object_object_length(half) == 0)
                return false;
        if (!json_object_is_type(half, json_type_object) || !json_object_object_get_ex(half, "value", ret))
                *ret = half;
        return true;
}

static bool is_in_range(const NumberRange *range, double v)
{
        return !range->is_set || (v >= range->low && v <= range->high);
}

static bool fits(const WritableSettings *s, json_object *wish)
{
        switch (s->type) {
        case WRITABLE_DOUBLE:
                return (json_object_is_type(wish, json_type_double) || json_object_is_type(wish, json_type_int)) &&
                       is_in_range(&s->range, json_object_get_double(wish));
        case WRITABLE_INTEGER:
                return json_object_is_type(wish, json_type_int) &&
                       is_in_range(&s->range, json_object_get_double(wish));
        case WRITABLE_BOOLEAN:
                return json_object_is_type(wish, json_type_boolean);
        default:
                return json_object_is_type(wish, json_type_string);
        }
}

static void expect(const WritableSettings *s, Buffer *b)
{
        static const char *const words[_WRITABLE_TYPE_MAX] = {
                [WRITABLE_DOUBLE] = "a number",
                [WRITABLE_INTEGER] = "a whole number",
                [WRITABLE_BOOLEAN] = "true or false",
                [WRITABLE_STRING] = "a text",
        };

        buffer_printf(b, "expected %s", words[s->type]);
        if (!s->range.is_set || s->type > WRITABLE_INTEGER)
                return;
        buffer_append_string(b, " from ");
        json_number(b, s->range.low);
        buffer_append_string(b, " to ");
        json_number(b, s->range.high);
}

/* ---- the answer ---- */

/* A wish that is refused changes nothing; where nothing is in effect yet there is only the wish to name. */
static int judge(PnpWritable *w, json_object *wish, uint64_t version, Buffer *answer)
{
        _cleanup_(buffer_done) Buffer value = BUFFER_NULL;
        bool is_fit = fits(&w->settings, wish);

        json_write(&value, wish);
        if (buffer_error(&value))
                return -ENOMEM;
        buffer_printf(answer, "{\"value\":%s,\"ac\":%d,\"av\":%llu,\"ad\":\"",
                      !is_fit && w->value ? w->value : value.data, is_fit ? TAKEN : REFUSED,
                      (unsigned long long)version);
        if (is_fit)
                buffer_append_string(answer, TAKEN_WORDS);
        else
                expect(&w->settings, answer);
        buffer_append_string(answer, "\"}");
        if (buffer_error(answer))
                return -ENOMEM;
        if (is_fit) {
                free(w->value);
                w->value = buffer_steal(&value);
        }
        return 0;
}

static int obey_one(Pnp *p, PnpWritable *w)
{
        const char *section = *w->settings.component ? w->settings.component : w->settings.name, *why;
        _cleanup_(buffer_done) Buffer answer = BUFFER_NULL;
        _cleanup_json_ json_object *half = NULL;
        json_object *wish;
        TwinDesired desired;
        uint64_t version;
        int r;

        p->twin.desired(p->twin.userdata, section, &desired);
        version = desired.version;
        if (desired.error != REQUEST_OK || version == w->answered)
                return 0;
        r = json_read(desired.json, strlen(desired.json), &half, &why);
        if (r < 0)
                return r;
        w->answered = version;
        if (!find_wish(half, &w->settings, &wish))
                return 0;
        r = judge(w, wish, version, &answer);
        if (r < 0)
                return r;
        pnp_tell(p, w->settings.component, w->settings.name, answer.data);
        return 0;
}

void pnp_obey(Pnp *p)
{
        for (size_t i = 0; i < p->table.n_writables; i++) {
                int r = obey_one(p, &p->table.writables[i]);

                if (r < 0)
                        log_error("Plug and Play: the desired %s could not be looked at: %s.",
                                  p->table.writables[i].settings.name, strerror(-r));
        }
}

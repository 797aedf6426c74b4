/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The properties that a service writes: looked at, kept, and acknowledged.
 *
 * A service may write the plain value, or {"value": ...} as the answer has it: both are meant the same. Where it has
 * written none, the initial value of the settings is in effect and reported.
 *
 * What is in effect stands in the last answer. From there it is taken up after a restart, so that a wish that was
 * refused before is refused with the same words and the same value.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "flow/pnp-core.h"
#include "model/json-read.h"

#define TAKEN   200
#define INITIAL 203 /* nobody has asked for it: of no version */
#define REFUSED 400

#define TAKEN_WORDS   "Successfully executed patch"
#define INITIAL_WORDS "initial value"

/* ---- what is wished ---- */

static const char *section_of(const PnpWritable *w)
{
        return *w->settings.component ? w->settings.component : pnp_property(&w->settings);
}

/* In its section of either half; NULL: it is not there. Borrowed. */
static json_object *property_of(json_object *section, const WritableSettings *s)
{
        json_object *property = NULL;

        if (!*s->component)
                return section;
        if (json_object_is_type(section, json_type_object))
                (void)json_object_object_get_ex(section, pnp_property(s), &property);
        return property;
}

/* NULL: nothing is, which the desk tells as an empty object. */
static json_object *find_wish(json_object *section, const WritableSettings *s)
{
        json_object *property = property_of(section, s), *value;

        if (!json_object_is_type(property, json_type_object))
                return property;
        if (json_object_object_get_ex(property, "value", &value))
                return value;
        return json_object_object_length(property) > 0 ? property : NULL;
}

static bool fits(const WritableSettings *s, json_object *wish)
{
        switch (s->type) {
        case WRITABLE_DOUBLE:
                return (json_object_is_type(wish, json_type_double) || json_object_is_type(wish, json_type_int)) &&
                       number_range_has(&s->range, json_object_get_double(wish));
        case WRITABLE_INTEGER:
                return json_object_is_type(wish, json_type_int) &&
                       number_range_has(&s->range, json_object_get_double(wish));
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

bool pnp_value_fits(const WritableSettings *s, const char *json, Buffer *expected)
{
        _cleanup_json_ json_object *value = NULL;
        const char *why;

        if (json_read(json, strlen(json), &value, &why) == 0 && fits(s, value))
                return true;
        expect(s, expected);
        return false;
}

/* ---- what is in effect ---- */

static int keep(PnpWritable *w, const char *json)
{
        char *copy = strdup(json);

        if (!copy)
                return -ENOMEM;
        free(w->value);
        w->value = copy;
        return 0;
}

static bool was_taken(json_object *answer, const WritableSettings *s, json_object **ret_value)
{
        json_object *ac;

        return json_object_is_type(answer, json_type_object) && json_object_object_get_ex(answer, "ac", &ac) &&
               json_object_object_get_ex(answer, "value", ret_value) && json_object_get_int(ac) != INITIAL &&
               fits(s, *ret_value);
}

/* Of an earlier run: its last answer names it. An initial value does not count, for the settings may have another
 * now. */
static int recall(Pnp *p, PnpWritable *w)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;
        _cleanup_json_ json_object *section = NULL;
        json_object *value;
        TwinDesired reported;
        const char *why;

        p->twin.reported(p->twin.userdata, section_of(w), &reported);
        if (reported.error != REQUEST_OK || json_read(reported.json, strlen(reported.json), &section, &why) < 0 ||
            !was_taken(property_of(section, &w->settings), &w->settings, &value))
                return 0;
        json_write(&text, value);
        return buffer_error(&text) ? -ENOMEM : keep(w, text.data);
}

/* Before a wish is looked at: there may be something in effect already. */
static int know_effect(Pnp *p, PnpWritable *w)
{
        int r = w->value ? 0 : recall(p, w);

        return r < 0 || w->value || !w->settings.initial ? r : keep(w, w->settings.initial);
}

/* ---- the answer ---- */

static int answer(Pnp *p, const PnpWritable *w, const char *value, unsigned ac, uint64_t version, const char *words)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        buffer_printf(&b, "{\"value\":%s,\"ac\":%u,\"av\":%llu,\"ad\":\"%s\"}", value, ac,
                      (unsigned long long)version, words);
        if (buffer_error(&b))
                return -ENOMEM;
        pnp_tell(p, w->settings.component, pnp_property(&w->settings), b.data);
        return 0;
}

/* A wish that is refused changes nothing; where nothing is in effect yet there is only the wish to name. */
static int refuse(Pnp *p, const PnpWritable *w, const char *wish, uint64_t version)
{
        _cleanup_(buffer_done) Buffer words = BUFFER_NULL;

        expect(&w->settings, &words);
        return buffer_error(&words) ? -ENOMEM : answer(p, w, w->value ?: wish, REFUSED, version, words.data);
}

static int judge(Pnp *p, PnpWritable *w, json_object *wish, uint64_t version)
{
        _cleanup_(buffer_done) Buffer value = BUFFER_NULL;
        int r;

        json_write(&value, wish);
        if (buffer_error(&value))
                return -ENOMEM;
        if (!fits(&w->settings, wish))
                return refuse(p, w, value.data, version);
        r = keep(w, value.data);
        return r < 0 ? r : answer(p, w, w->value, TAKEN, version, TAKEN_WORDS);
}

/* Nobody wishes anything, or not any more. */
static int return_to_initial(Pnp *p, PnpWritable *w)
{
        int r;

        if (!w->settings.initial)
                return 0;
        r = keep(w, w->settings.initial);
        return r < 0 ? r : answer(p, w, w->value, INITIAL, 0, INITIAL_WORDS);
}

static bool is_answered(const PnpWritable *w, const TwinDesired *desired)
{
        return w->answered == desired->version && w->wish && strcmp(w->wish, desired->json) == 0;
}

/* Takes the text. */
static int obey_wish(Pnp *p, PnpWritable *w, char *text, uint64_t version)
{
        _cleanup_json_ json_object *section = NULL;
        json_object *wish;
        const char *why;
        int r;

        free(w->wish);
        w->wish = text;
        w->answered = version;
        r = json_read(text, strlen(text), &section, &why);
        if (r >= 0)
                r = know_effect(p, w);
        if (r < 0)
                return r;
        wish = find_wish(section, &w->settings);
        return wish ? judge(p, w, wish, version) : return_to_initial(p, w);
}

static int obey_one(Pnp *p, PnpWritable *w)
{
        TwinDesired desired;
        char *text;

        p->twin.desired(p->twin.userdata, section_of(w), &desired);
        if (desired.error != REQUEST_OK || is_answered(w, &desired))
                return 0;
        text = strdup(desired.json); /* the twin's own is gone with the next question */
        return text ? obey_wish(p, w, text, desired.version) : -ENOMEM;
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

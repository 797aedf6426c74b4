/* SPDX-License-Identifier: Apache-2.0 */
#include "model/document.h"

#include <errno.h>

#include "model/json-read.h"

/* A Document is json-c's object under a name that others may know. */

static json_object *json_of(const Document *d)
{
        return (json_object *)(uintptr_t)d;
}

static Document *document_of(json_object *json)
{
        return (Document *)json;
}

/* ---- life ---- */

Document *document_new(void)
{
        return document_of(json_object_new_object());
}

Document *document_new_text(const char *text)
{
        return document_of(json_object_new_string(text));
}

Document *document_new_unsigned(uint64_t v)
{
        return document_of(json_object_new_int64((int64_t)MIN(v, (uint64_t)INT64_MAX)));
}

Document *document_new_boolean(bool v)
{
        return document_of(json_object_new_boolean(v));
}

int document_parse_within(Document **ret, const char *text, size_t size, size_t values_max, const char **ret_error)
{
        json_object *value = NULL;
        int r = json_read_within(text, size, values_max, &value, ret_error);

        if (r < 0)
                return r;
        if (!json_object_is_type(value, json_type_object)) {
                json_object_put(value);
                *ret_error = "it is no object";
                return -EBADMSG;
        }
        *ret = document_of(value);
        return 0;
}

int document_parse(Document **ret, const char *text, size_t size, const char **ret_error)
{
        int r = document_parse_within(ret, text, size, DOCUMENT_VALUES_MAX, ret_error);

        return r == -E2BIG ? -EBADMSG : r;
}

int document_copy(Document **ret, const Document *d)
{
        json_object *copy = NULL;

        if (d && json_object_deep_copy(json_of(d), &copy, NULL) < 0)
                return -ENOMEM;
        *ret = document_of(copy);
        return 0;
}

Document *document_free(Document *d)
{
        json_object_put(json_of(d));
        return NULL;
}

/* ---- questions ---- */

DocumentKind document_kind(const Document *d)
{
        switch (json_object_get_type(json_of(d))) {
        case json_type_null:
                return DOCUMENT_NULL;
        case json_type_object:
                return DOCUMENT_OBJECT;
        case json_type_array:
                return DOCUMENT_ARRAY;
        case json_type_string:
                return DOCUMENT_TEXT;
        case json_type_int:
                return DOCUMENT_INTEGER;
        case json_type_double:
                return DOCUMENT_REAL;
        case json_type_boolean:
                return DOCUMENT_BOOLEAN;
        }
        return DOCUMENT_NULL;
}

static bool is_object(const Document *d)
{
        return document_kind(d) == DOCUMENT_OBJECT;
}

bool document_has(const Document *object, const char *name)
{
        return is_object(object) && json_object_object_get_ex(json_of(object), name, NULL);
}

const Document *document_member(const Document *object, const char *name)
{
        json_object *value = NULL;

        if (is_object(object))
                (void)json_object_object_get_ex(json_of(object), name, &value);
        return document_of(value);
}

const char *document_text_member(const Document *object, const char *name)
{
        const Document *member = document_member(object, name);

        return document_kind(member) == DOCUMENT_TEXT ? document_text(member) : NULL;
}

size_t document_count(const Document *object)
{
        return is_object(object) ? (size_t)json_object_object_length(json_of(object)) : 0;
}

static bool is_number(DocumentKind kind)
{
        return kind == DOCUMENT_INTEGER || kind == DOCUMENT_REAL;
}

static bool equal_elements(const Document *a, const Document *b)
{
        size_t n = json_object_array_length(json_of(a));

        if (json_object_array_length(json_of(b)) != n)
                return false;
        for (size_t i = 0; i < n; i++)
                if (!document_equal(document_of(json_object_array_get_idx(json_of(a), i)),
                                    document_of(json_object_array_get_idx(json_of(b), i))))
                        return false;
        return true;
}

static bool equal_members(const Document *a, const Document *b)
{
        DocumentMember m = {};

        if (document_count(a) != document_count(b))
                return false;
        while (document_next(a, &m))
                if (!document_has(b, m.name) || !document_equal(m.value, document_member(b, m.name)))
                        return false;
        return true;
}

bool document_equal(const Document *a, const Document *b)
{
        DocumentKind kind = document_kind(a), other = document_kind(b);

        if (kind != other)
                return is_number(kind) && is_number(other) && document_real(a) == document_real(b);
        switch (kind) {
        case DOCUMENT_NULL:
                return true;
        case DOCUMENT_OBJECT:
                return equal_members(a, b);
        case DOCUMENT_ARRAY:
                return equal_elements(a, b);
        case DOCUMENT_TEXT:
                return document_text_size(a) == document_text_size(b) &&
                       memcmp(document_text(a), document_text(b), document_text_size(a)) == 0;
        case DOCUMENT_INTEGER:
                return document_integer(a) == document_integer(b);
        case DOCUMENT_REAL:
                return document_real(a) == document_real(b);
        case DOCUMENT_BOOLEAN:
                return document_boolean(a) == document_boolean(b);
        }
        return false;
}

const char *document_text(const Document *d)
{
        return json_object_get_string(json_of(d));
}

size_t document_text_size(const Document *d)
{
        return (size_t)json_object_get_string_len(json_of(d));
}

int64_t document_integer(const Document *d)
{
        return json_object_get_int64(json_of(d));
}

double document_real(const Document *d)
{
        return json_object_get_double(json_of(d));
}

bool document_boolean(const Document *d)
{
        return json_object_get_boolean(json_of(d));
}

bool document_unsigned(const Document *d, uint64_t *ret)
{
        if (document_kind(d) != DOCUMENT_INTEGER || document_integer(d) < 0)
                return false;
        *ret = json_object_get_uint64(json_of(d));
        return true;
}

bool document_next(const Document *object, DocumentMember *m)
{
        const struct lh_entry *entry = m->entry;

        if (!is_object(object))
                return false;
        entry = entry ? lh_entry_next(entry) : lh_table_head(json_object_get_object(json_of(object)));
        if (!entry)
                return false;
        *m = (DocumentMember){lh_entry_k(entry), document_of(lh_entry_v(entry)), entry};
        return true;
}

/* ---- changes ---- */

int document_put(Document *object, const char *name, Document *value)
{
        if (json_object_object_add(json_of(object), name, json_of(value)) == 0)
                return 0;
        document_free(value);
        return -ENOMEM;
}

int document_put_new(Document *object, const char *name, Document *value)
{
        return value ? document_put(object, name, value) : -ENOMEM;
}

int document_put_copy(Document *object, const char *name, const Document *value)
{
        Document *copy;
        int r = document_copy(&copy, value);

        return r < 0 ? r : document_put(object, name, copy);
}

void document_remove(Document *object, const char *name)
{
        json_object_object_del(json_of(object), name);
}

/* An object, where none may be: so that what is merged in leaves its nulls behind. */
static int merge_member(Document *object, const DocumentMember *m)
{
        Document *here = document_of(json_of(document_member(object, m->name)));
        int r;

        if (!m->value) {
                document_remove(object, m->name);
                return 0;
        }
        if (!is_object(m->value))
                return document_put_copy(object, m->name, m->value);
        if (!is_object(here)) {
                here = document_new();
                r = document_put_new(object, m->name, here);
                if (r < 0)
                        return r;
        }
        return document_merge(here, m->value);
}

int document_merge(Document *object, const Document *patch)
{
        DocumentMember m = {};
        int r = 0;

        while (r >= 0 && document_next(patch, &m))
                r = merge_member(object, &m);
        return r;
}

/* What is new, or different, of one member of what is to be. */
static int differ(Document *patch, const Document *from, const DocumentMember *m)
{
        const Document *before = document_member(from, m->name);
        _cleanup_(document_freep) Document *inner = NULL;
        int r;

        if (document_has(from, m->name) && document_equal(before, m->value))
                return 0;
        if (!is_object(before) || !is_object(m->value))
                return document_put_copy(patch, m->name, m->value);
        r = document_difference(before, m->value, &inner);
        return r < 0 || !inner ? r : document_put(patch, m->name, TAKE_PTR(inner));
}

int document_difference(const Document *from, const Document *to, Document **ret)
{
        _cleanup_(document_freep) Document *patch = document_new();
        DocumentMember m = {};
        int r = patch ? 0 : -ENOMEM;

        while (r >= 0 && document_next(to, &m))
                r = differ(patch, from, &m);
        m = (DocumentMember){};
        while (r >= 0 && document_next(from, &m))
                if (!document_has(to, m.name))
                        r = document_put(patch, m.name, NULL);
        if (r < 0)
                return r;
        *ret = document_count(patch) > 0 ? TAKE_PTR(patch) : NULL;
        return 0;
}

/* ---- portions ---- */

static size_t written_size(const Document *d)
{
        size_t size = 4; /* null */

        if (d)
                (void)json_object_to_json_string_length(
                        json_of(d), JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size);
        return size;
}

/* With its quotes, colon and comma; a name may be escaped, up to six bytes for one. */
static size_t member_size(const DocumentMember *m)
{
        return strlen(m->name) * 6 + 4 + written_size(m->value);
}

/* The first of them, in pieces if it must be. */
static int begin_portion(Document *portion, const DocumentMember *m, size_t room, bool *ret_whole)
{
        Document *inner = NULL;
        int r;

        *ret_whole = member_size(m) <= room || document_count(m->value) == 0;
        if (*ret_whole)
                return document_put_copy(portion, m->name, m->value);
        r = document_portion(m->value, room - MIN(room, strlen(m->name) * 6 + 4), &inner);
        return r < 0 ? r : document_put(portion, m->name, inner);
}

int document_portion(const Document *patch, size_t size, Document **ret)
{
        _cleanup_(document_freep) Document *portion = document_new();
        size_t room = size - MIN(size, (size_t)2);
        DocumentMember m = {};
        bool whole;
        int r;

        *ret = NULL;
        if (!portion)
                return -ENOMEM;
        if (!document_next(patch, &m))
                return 0;
        r = begin_portion(portion, &m, room, &whole);
        room -= MIN(room, member_size(&m));
        while (r >= 0 && whole && document_next(patch, &m) && member_size(&m) <= room) {
                room -= member_size(&m);
                r = document_put_copy(portion, m.name, m.value);
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(portion);
        return 0;
}

void document_write(const Document *d, Buffer *b)
{
        json_write(b, json_of(d));
}

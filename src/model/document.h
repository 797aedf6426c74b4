/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Document - a JSON value, held and changed in memory
 *
 * What twins are made of. A half of a twin is an object; patches are merged into it member by member, as the hub does.
 * NULL is JSON's null wherever a value stands, and what document_member() gives for a member that is not there. What is
 * not touched is written as it was read. Pure.
 */

#include "base/buffer.h"

typedef struct Document Document;

#define DOCUMENT_VALUES_MAX (16 * 1024) /* four times a half of a twin: the hub gives both, with what we answered */

/* life */

/* {}; NULL: no memory. */
Document *document_new(void);
Document *document_new_text(const char *text);
Document *document_new_unsigned(uint64_t v);
Document *document_new_boolean(bool v);
/* Gives an object. -EBADMSG: the text is none, or has more than DOCUMENT_VALUES_MAX values, and *ret_error (static)
 * says why. */
int document_parse(Document **ret, const char *text, size_t size, const char **ret_error);
/* With another limit; -E2BIG beyond that. */
int document_parse_within(Document **ret, const char *text, size_t size, size_t values_max, const char **ret_error);
/* All of it anew; -ENOMEM. */
int document_copy(Document **ret, const Document *d);
Document *document_free(Document *d);
DEFINE_CLEANUP(Document *, document_free);

/* questions */

typedef enum DocumentKind {
        DOCUMENT_NULL,
        DOCUMENT_OBJECT,
        DOCUMENT_ARRAY,
        DOCUMENT_TEXT,
        DOCUMENT_INTEGER,
        DOCUMENT_REAL,
        DOCUMENT_BOOLEAN,
} DocumentKind;

DocumentKind document_kind(const Document *d);
bool document_has(const Document *object, const char *name); /* a null counts */
const Document *document_member(const Document *object, const char *name);
const char *document_text_member(const Document *object, const char *name); /* NULL: none, or no text */
size_t document_count(const Document *object); /* of members */
bool document_equal(const Document *a, const Document *b); /* 1 and 1.0 are: who passes a number on may write it anew */

/* Of a value of that kind. */
const char *document_text(const Document *d); /* may hold a NUL: then this is its beginning */
size_t document_text_size(const Document *d);
int64_t document_integer(const Document *d); /* the nearest there is of one beyond 64 bits */
double document_real(const Document *d);
bool document_boolean(const Document *d);
/* false: it is no integer, or below zero. */
bool document_unsigned(const Document *d, uint64_t *ret);

/* One after another, in order; set it to {} before. Do not change the object meanwhile. */
typedef struct DocumentMember {
        const char *name;
        const Document *value;
        const void *entry; /* its own */
} DocumentMember;

bool document_next(const Document *object, DocumentMember *m);

/* changes */

/* Takes the value, also when it fails; NULL puts a null. */
int document_put(Document *object, const char *name, Document *value);
/* The same with what document_new_*() gave, where NULL is no memory. */
int document_put_new(Document *object, const char *name, Document *value);
int document_put_copy(Document *object, const char *name, const Document *value);
void document_remove(Document *object, const char *name);
/* Objects member by member, null deletes, anything else replaces. -ENOMEM leaves some of it done. */
int document_merge(Document *object, const Document *patch);
/* The patch that makes one the other; NULL when they are equal. */
int document_difference(const Document *from, const Document *to, Document **ret);
/* At most so many bytes of text off the front of a patch: as many members as fit, or members of a member that does
 * not fit alone; what cannot be divided goes alone, whatever its size. Gives NULL for a patch with no members. */
int document_portion(const Document *patch, size_t size, Document **ret);

/* text */

void document_write(const Document *d, Buffer *b); /* appends it without blanks */

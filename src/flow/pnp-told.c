/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which properties were told to the twin, over restarts: what the settings name no more is taken back.
 *
 * Else the cloud would see the last value for ever, and nobody else could report under that name. The record is an
 * object, "property" or "component.property" and true. It is part of the twin's text on the disk, so that it is never
 * older than what was reported. A name stays in it until the twin has the property no more.
 *
 * What a service reported first is his, and so is what became of it. Of his component only our property goes.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "flow/pnp-core.h"

#define MEMBER "properties" /* of the twin's text */

typedef struct Place {
        Name component, property;
} Place;

static Place place_of(const char *name)
{
        const char *dot = strchr(name, '.');
        Place p = {};

        if (dot)
                (void)snprintf(p.component, sizeof(p.component), "%.*s", (int)(dot - name), name);
        (void)snprintf(p.property, sizeof(p.property), "%s", dot ? dot + 1 : name);
        return p;
}

static void changed(const Pnp *p)
{
        if (p->told_changed)
                p->told_changed(p->told_userdata);
}

/* ---- the record ---- */

void pnp_note_told(Pnp *p, const char *component, const char *property)
{
        char name[2 * sizeof(Name) + 1];

        (void)snprintf(name, sizeof(name), "%s%s%s", component, *component ? "." : "", property);
        if (document_has(p->told, name))
                return;
        if (document_put_new(p->told, name, document_new_boolean(true)) < 0)
                log_warning("Plug and Play: that %s was reported is not noted: out of memory.", name);
        else
                changed(p);
}

int pnp_remember(Pnp *p, const Document *state, void (*changed_fn)(void *userdata), void *userdata)
{
        const Document *told = document_member(state, MEMBER);
        Document *copy;
        int r;

        p->told_changed = changed_fn;
        p->told_userdata = userdata;
        if (document_kind(told) != DOCUMENT_OBJECT)
                return 0;
        r = document_copy(&copy, told);
        if (r < 0)
                return r;
        document_free(p->told);
        p->told = copy;
        p->look_back = true;
        return 0;
}

int pnp_keep(const Pnp *p, Document *state)
{
        return document_put_copy(state, MEMBER, p->told);
}

/* ---- taken back ---- */

static bool is_named(const PnpTable *t, const Place *place)
{
        for (size_t i = 0; i < t->n_reports; i++)
                if (strcmp(t->reports[i].property, place->property) == 0 &&
                    strcmp(t->reports[i].component, place->component) == 0)
                        return true;
        for (size_t i = 0; i < t->n_writables; i++)
                if (strcmp(pnp_property(&t->writables[i].settings), place->property) == 0 &&
                    strcmp(t->writables[i].settings.component, place->component) == 0)
                        return true;
        return false;
}

/* Of a component only its mark may be left. NULL: there is none, or it is no object. */
static Document *reported(const Pnp *p, const char *section)
{
        TwinDesired half;
        Document *d = NULL;
        const char *error;

        p->twin.reported(p->twin.userdata, section, &half);
        if (half.error != REQUEST_OK || document_parse(&d, half.json, strlen(half.json), &error) < 0)
                return NULL;
        return d;
}

static bool is_reported(const Pnp *p, const Place *place)
{
        _cleanup_(document_freep) Document *section = NULL;
        TwinDesired half;

        if (*place->component) {
                section = reported(p, place->component);
                return document_has(section, place->property);
        }
        p->twin.reported(p->twin.userdata, place->property, &half);
        return half.error == REQUEST_OK && strcmp(half.json, "{}") != 0;
}

typedef struct Question {
        const char *section;
        bool is_ours;
} Question;

static void on_owner(void *userdata, const char *section, const char *user)
{
        Question *q = userdata;

        q->is_ours |= strcmp(section, q->section) == 0 && !*user;
}

static bool is_ours(const Pnp *p, const char *section)
{
        Question q = {section, false};

        p->twin.owners(p->twin.userdata, on_owner, &q);
        return q.is_ours;
}

static void report_null(Pnp *p, const char *section, const char *member)
{
        char json[sizeof(Name) + 16];

        (void)snprintf(json, sizeof(json), "{\"%s\":null}", member);
        p->twin.report(p->twin.userdata, section, json, NULL, pnp_on_told, p);
}

static void take_back(Pnp *p, const Place *place)
{
        _cleanup_(document_freep) Document *left = NULL;

        if (!*place->component) {
                if (is_ours(p, place->property))
                        report_null(p, "", place->property);
                return;
        }
        report_null(p, place->component, place->property);
        left = reported(p, place->component);
        if (is_ours(p, place->component) && document_count(left) == 1 && document_has(left, "__t"))
                report_null(p, "", place->component);
}

/* The first that the settings name no more, after this one; false: there is none. */
static bool find_gone(const Pnp *p, char *name, size_t size)
{
        DocumentMember m = {};
        bool passed = !*name;

        while (document_next(p->told, &m)) {
                Place place = place_of(m.name);

                if (passed && !is_named(&p->table, &place)) {
                        (void)snprintf(name, size, "%s", m.name);
                        return true;
                }
                passed |= strcmp(m.name, name) == 0;
        }
        return false;
}

/* What the twin refuses now is looked at again with all else that it refused. */
void pnp_take_back(Pnp *p)
{
        char name[2 * sizeof(Name) + 1] = "";

        while (find_gone(p, name, sizeof(name))) {
                Place place = place_of(name);

                if (is_reported(p, &place))
                        take_back(p, &place);
                if (*place.component ? is_reported(p, &place)
                                     : is_reported(p, &place) && is_ours(p, place.property))
                        continue;
                document_remove(p->told, name);
                *name = 0; /* the walk began with it */
                changed(p);
        }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/settings-cloud.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/settings-table.h"

/* ---- from JSON to a settings file ---- */

typedef struct Writer {
        Buffer *text;
        char **why;
        unsigned depth;
} Writer;

static int write_members(Writer *w, const Document *group, const char *path);

static int refuse(const Writer *w, const char *path, const char *what)
{
        return asprintf(w->why, "%s: %s", path, what) < 0 ? -ENOMEM : SETTINGS_E_BAD;
}

/* What libconfig takes for the name of a setting. */
static bool is_key(const char *name)
{
        size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

        return n > 0 && !name[n] && !(name[0] >= '0' && name[0] <= '9') && name[0] != '_';
}

static int write_scalar(Writer *w, const Document *value, const char *path)
{
        switch (document_kind(value)) {
        case DOCUMENT_TEXT:
                if (strlen(document_text(value)) != document_text_size(value))
                        return refuse(w, path, "a text with a NUL");
                value_print_text(w->text, document_text(value));
                return 0;
        case DOCUMENT_INTEGER:
        case DOCUMENT_REAL:
        case DOCUMENT_BOOLEAN:
                document_write(value, w->text);
                return 0;
        default:
                return refuse(w, path, "a setting is a text, a number, true or false");
        }
}

static void indent(const Writer *w)
{
        for (unsigned i = 0; i < w->depth; i++)
                buffer_append_string(w->text, "  ");
}

static int write_member(Writer *w, const DocumentMember *m, const char *path)
{
        int r;

        indent(w);
        if (document_kind(m->value) == DOCUMENT_OBJECT) {
                buffer_printf(w->text, "%s: {\n", m->name);
                w->depth++;
                r = write_members(w, m->value, path);
                w->depth--;
                indent(w);
                buffer_append_string(w->text, "};\n");
                return r;
        }
        buffer_printf(w->text, "%s = ", m->name);
        r = write_scalar(w, m->value, path);
        buffer_append_string(w->text, ";\n");
        return r;
}

static int write_members(Writer *w, const Document *group, const char *path)
{
        DocumentMember m = {};
        int r = 0;

        while (r == 0 && document_next(group, &m)) {
                _cleanup_free_ char *below = NULL;

                if (strcmp(m.name, "__t") == 0) /* Plug and Play's mark of a component */
                        continue;
                if (asprintf(&below, "%s%s%s", path, *path ? "." : "", m.name) < 0) {
                        below = NULL;
                        return -ENOMEM;
                }
                r = is_key(m.name) ? write_member(w, &m, below) : refuse(w, below, "unknown setting");
        }
        return r;
}

int settings_cloud_write(const Document *desired, Buffer *text, char **ret_why)
{
        Writer w = {text, ret_why, 0};
        int r;

        if (desired && document_kind(desired) != DOCUMENT_OBJECT)
                return refuse(&w, "settings", "a group of settings is an object");
        r = write_members(&w, desired, "");
        return r != 0 ? r : buffer_error(text);
}

/* ---- what may be set from there ---- */

/* True: it was told, and goes; what else is wrong with it would only be told beside. */
static bool complain(const Node *node, const char *path, const char *what, Problems *problems)
{
        problems_add(problems, node->place, "%s: %s", path, what);
        return true;
}

static void restrict_group(Node *over, const Node *files, const SettingsRow *rows, const char *path,
                           Problems *problems);

static const SettingsRow *find_row(const SettingsRow *rows, const char *key)
{
        for (; rows->key; rows++)
                if (strcmp(rows->key, key) == 0)
                        return rows;
        return NULL;
}

/* The default stream is there without a word in the files. */
static bool is_there(const SettingsRow *row, const Node *files, const char *name)
{
        return node_child(files, name) || (row->map->always && strcmp(row->map->always, name) == 0);
}

static bool is_stranger(Node *child, const Node *files, const SettingsRow *row, const char *path, Problems *problems)
{
        if (child->kind != NODE_GROUP)
                return complain(child, path, "this cannot be set from the cloud", problems);
        if (!is_there(row, files, child->key))
                return complain(child, path, "there is none of this name in the settings of the gateway", problems);
        restrict_group(child, node_child(files, child->key), row->rows, path, problems);
        return false;
}

static void restrict_elements(Node *over, const Node *files, const SettingsRow *row, const char *path,
                              Problems *problems)
{
        char below[256];

        for (size_t i = 0; i < over->n_children;) {
                (void)snprintf(below, sizeof(below), "%.180s.%.64s", path, over->children[i]->key);
                if (is_stranger(over->children[i], files, row, below, problems))
                        node_drop(over, i);
                else
                        i++;
        }
}

static bool is_forbidden(Node *child, const Node *files, const SettingsRow *row, const char *path, Problems *problems)
{
        if (row->map && child->kind == NODE_GROUP)
                restrict_elements(child, files, row, path, problems);
        else if (row->rows && child->kind == NODE_GROUP)
                restrict_group(child, files, row->rows, path, problems);
        else if (!row->from_cloud)
                return complain(child, path, "this cannot be set from the cloud", problems);
        return false;
}

/* A key that there is not is no row's business: the filling tells of it, with the nearest that there is. */
static void restrict_group(Node *over, const Node *files, const SettingsRow *rows, const char *path,
                           Problems *problems)
{
        char below[256];

        for (size_t i = 0; i < over->n_children;) {
                Node *child = over->children[i];
                const SettingsRow *row = find_row(rows, child->key);

                (void)snprintf(below, sizeof(below), "%.180s%s%.64s", path, *path ? "." : "", child->key);
                if (row && is_forbidden(child, node_child(files, child->key), row, below, problems))
                        node_drop(over, i);
                else
                        i++;
        }
}

/* ---- over the files ---- */

static int copy_files(Settings *s, const Settings *from)
{
        s->files.names = calloc(from->files.n + 1, sizeof(*s->files.names));
        if (!s->files.names)
                return -ENOMEM;
        for (size_t i = 0; i < from->files.n; i++) {
                s->files.names[i] = strdup(from->files.names[i]);
                if (!s->files.names[i])
                        return -ENOMEM;
                s->files.n++;
        }
        return 0;
}

/* Only what the files said: without the text of an earlier overlay. */
static int begin(Settings **ret, const Settings *from)
{
        _cleanup_(settings_freep) Settings *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        r = copy_files(s, from);
        if (r >= 0)
                r = node_copy(&s->tree, from->said ?: from->tree, (const char *const *)s->files.names);
        if (r >= 0)
                r = node_copy(&s->said, s->tree, (const char *const *)s->files.names);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

/* They are of no line that somebody could look at. */
static void forget_lines(Node *n)
{
        n->place.line = 0;
        for (size_t i = 0; i < n->n_children; i++)
                forget_lines(n->children[i]);
}

/* A text of the state folder, under the name that it has in messages. */
static int read_over(Settings *s, const char *state_dir, const char *place, const char *text, Node **ret,
                     Problems *problems)
{
        _cleanup_free_ char *name = NULL;
        int r;

        if (asprintf(&name, "%s/%s", state_dir, place) < 0) {
                name = NULL;
                return -ENOMEM;
        }
        r = settings_read_text(name, text, strlen(text), &s->files, ret, problems);
        if (r == 0)
                forget_lines(*ret);
        return r;
}

static int lay_desired_over(Settings *s, const char *state_dir, const char *text, Problems *problems)
{
        Node *over = NULL;
        int r = read_over(s, state_dir, OVERLAY_DESIRED, text, &over, problems);

        if (r != 0) {
                node_free(over);
                return r;
        }
        restrict_group(over, s->said, settings_table, "", problems);
        return node_merge(s->tree, over);
}

/* Other settings may have come since they were set. */
static void drop_strangers(Node *sensors, const Node *said)
{
        for (size_t i = sensors ? sensors->n_children : 0; i-- > 0;)
                if (!node_child(node_child(said, sensors->children[i]->key), "interval"))
                        node_drop(sensors, i);
}

static int lay_intervals_over(Settings *s, const char *state_dir, const char *text, Problems *problems)
{
        Node *over = NULL;
        int r;

        if (!*text)
                return 0;
        r = read_over(s, state_dir, OVERLAY_INTERVALS, text, &over, problems);
        if (r != 0) {
                node_free(over);
                return r;
        }
        drop_strangers(node_child(over, "sensors"), node_child(s->said, "sensors"));
        return node_merge(s->tree, over);
}

int settings_cloud_overlay(Settings **ret, const Settings *files, const char *state_dir, const Overlay *overlay,
                           Problems *problems)
{
        _cleanup_(settings_freep) Settings *s = NULL;
        int r;

        r = begin(&s, files);
        if (r >= 0)
                r = lay_desired_over(s, state_dir, overlay->desired, problems);
        if (r == 0)
                r = lay_intervals_over(s, state_dir, overlay->intervals, problems);
        if (r == 0)
                r = settings_complete(s, state_dir, problems);
        if (r == 0)
                *ret = TAKE_PTR(s);
        return r;
}

static int take(Settings **settings, const char *state_dir, const Overlay *overlay, Problems *problems)
{
        Settings *s = NULL;
        int r;

        if (!*overlay->desired && !*overlay->intervals)
                return 0;
        r = settings_cloud_overlay(&s, *settings, state_dir, overlay, problems);
        if (r != 0)
                return r;
        settings_free(*settings);
        *settings = s;
        return 0;
}

int settings_cloud_take(Settings **settings, const char *state_dir, const Overlay *overlay, Problems *problems)
{
        const Overlay rest = {.desired = (char *)(uintptr_t) "", .intervals = overlay->intervals};
        Problems again = {};
        int r = take(settings, state_dir, overlay, problems), other;

        if (r != SETTINGS_E_BAD)
                return r;
        other = take(settings, state_dir, &rest, &again);
        problems_done(&again);
        return other < 0 ? other : r;
}

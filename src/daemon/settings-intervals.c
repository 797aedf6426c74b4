/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/settings-intervals.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/quantity.h"
#include "daemon/overlay.h"
#include "daemon/settings-read.h"
#include "daemon/settings-value.h"

void intervals_done(Intervals *i)
{
        free(i->rows);
        *i = (Intervals){};
}

/* ---- rows ---- */

static SetInterval *find(const Intervals *i, const char *sensor)
{
        for (size_t k = 0; k < i->n; k++)
                if (strcmp(i->rows[k].sensor, sensor) == 0)
                        return &i->rows[k];
        return NULL;
}

usec_t intervals_find(const Intervals *i, const char *sensor)
{
        const SetInterval *row = find(i, sensor);

        return row ? row->usec : 0;
}

int intervals_put(Intervals *i, const char *sensor, usec_t usec)
{
        SetInterval *row = find(i, sensor), *more;

        if (row) {
                row->usec = usec;
                return 0;
        }
        more = reallocarray(i->rows, i->n + 1, sizeof(*more));
        if (!more)
                return -ENOMEM;
        i->rows = more;
        row = &i->rows[i->n++];
        (void)snprintf(row->sensor, sizeof(row->sensor), "%s", sensor);
        row->usec = usec;
        return 0;
}

void intervals_drop(Intervals *i, const char *sensor)
{
        SetInterval *row = find(i, sensor);

        if (row)
                memmove(row, row + 1, (size_t)(i->rows + --i->n - row) * sizeof(*row));
}

/* ---- the text ---- */

/* The group of sensors of a settings text, within the tree that it gives. */
static int read_sensors(const char *text, Node **ret_tree, const Node **ret_sensors)
{
        SettingsFiles files = {};
        Problems problems = {};
        int r = settings_read_text(OVERLAY_INTERVALS, text, strlen(text), &files, ret_tree, &problems);

        if (r == 0)
                *ret_sensors = node_child(*ret_tree, "sensors");
        problems_done(&problems);
        settings_files_done(&files); /* nobody asks the tree for places */
        return r;
}

static int take_row(Intervals *i, const Node *sensor)
{
        const Node *interval = node_child(sensor, "interval");
        usec_t usec;

        if (!interval || interval->kind != NODE_TEXT || !name_is_valid(sensor->key) ||
            quantity_parse_time(interval->text, &usec) < 0)
                return 0;
        return intervals_put(i, sensor->key, usec);
}

int intervals_read(Intervals *ret, const char *text)
{
        _cleanup_(node_freep) Node *tree = NULL;
        const Node *sensors = NULL;
        int r = read_sensors(text, &tree, &sensors);

        *ret = (Intervals){};
        for (size_t k = 0; r == 0 && sensors && k < sensors->n_children; k++)
                r = take_row(ret, sensors->children[k]);
        if (r != 0)
                intervals_done(ret);
        return r;
}

void intervals_write(const Intervals *i, Buffer *text)
{
        if (i->n > 0)
                buffer_append_string(text, "sensors: {\n");
        for (size_t k = 0; k < i->n; k++) {
                buffer_printf(text, "  %s: {\n    interval = \"", i->rows[k].sensor);
                quantity_print_time(text, i->rows[k].usec);
                buffer_append_string(text, "\";\n  };\n");
        }
        if (i->n > 0)
                buffer_append_string(text, "};\n");
}

/* ---- what the cloud desires of them ---- */

static void print_interval(const Node *sensors, const char *sensor, Buffer *b)
{
        const Node *interval = node_child(node_child(sensors, sensor), "interval");

        if (interval)
                value_print_node(b, interval);
        else
                buffer_append_string(b, "none");
}

static bool is_same(const Node *before, const Node *after, const char *sensor)
{
        _cleanup_(buffer_done) Buffer one = BUFFER_NULL, other = BUFFER_NULL;

        print_interval(before, sensor, &one);
        print_interval(after, sensor, &other);
        return !buffer_error(&one) && !buffer_error(&other) && strcmp(one.data, other.data) == 0;
}

int intervals_yield(Intervals *i, const char *before, const char *after)
{
        _cleanup_(node_freep) Node *tree_before = NULL, *tree_after = NULL;
        const Node *sensors_before = NULL, *sensors_after = NULL;
        int r = read_sensors(before, &tree_before, &sensors_before);

        if (r == 0)
                r = read_sensors(after, &tree_after, &sensors_after);
        for (size_t k = i->n; r == 0 && k-- > 0;)
                if (!is_same(sensors_before, sensors_after, i->rows[k].sensor))
                        intervals_drop(i, i->rows[k].sensor);
        return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/settings-chip.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "daemon/settings-fill.h"

#define SUFFIX ".conf"

/* The chips that were asked for so far, also those that could not be had. */
typedef struct Shelf {
        Settings *settings;
        Problems *problems;
        char *folders[2];
        struct {
                Name name;
                ChipDescription *chip; /* NULL: told, if it is there at all */
                bool is_there;
        } *items;
        size_t n;
} Shelf;

/* ---- one description ---- */

/* The words begin with the member that they are about. */
static void complain(Node *tree, const char *error, Problems *problems)
{
        char path[128];

        (void)snprintf(path, sizeof(path), "%.*s", (int)strcspn(error, ":"), error);
        problems_add(problems, node_nearest(tree, path)->place, "%s", error);
}

int settings_chip(Node *tree, ChipDescription **ret, Problems *problems)
{
        _cleanup_(chip_unrefp) ChipDescription *chip = chip_new();
        _cleanup_free_ char *error = NULL;
        int r;

        *ret = NULL;
        if (!chip)
                return -ENOMEM;
        r = settings_fill_rows(settings_chip_table, tree, chip, "the chip", problems);
        if (r < 0 || node_is_faulty(tree))
                return r;
        r = chip_check(chip, &error);
        if (r > 0)
                complain(tree, error, problems);
        else if (r == 0)
                *ret = TAKE_PTR(chip);
        return MIN(r, 0);
}

/* ---- its file ---- */

static char *path_of(const char *folder, const char *name)
{
        char *path;

        return asprintf(&path, "%s/%s" SUFFIX, folder, name) < 0 ? NULL : path;
}

/* The first that is there. "" when there is none; NULL without memory. */
static char *find_file(const Shelf *shelf, const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(shelf->folders); i++) {
                char *path = path_of(shelf->folders[i], name);

                if (!path || access(path, F_OK) == 0)
                        return path;
                free(path);
        }
        return strdup("");
}

static int read_chip(Shelf *shelf, const char *path, ChipDescription **ret)
{
        _cleanup_(node_freep) Node *tree = NULL;
        int r = settings_read_one(path, &shelf->settings->files, &tree, shelf->problems);

        *ret = NULL;
        return r != 0 ? MIN(r, 0) : settings_chip(tree, ret, shelf->problems);
}

/* ---- the shelf ---- */

static int shelve(Shelf *shelf, const char *name)
{
        _cleanup_free_ char *path = find_file(shelf, name);
        void *items;
        int r = 0;

        if (!path)
                return -ENOMEM;
        items = reallocarray(shelf->items, shelf->n + 1, sizeof(*shelf->items));
        if (!items)
                return -ENOMEM;
        shelf->items = items;
        memset(&shelf->items[shelf->n], 0, sizeof(*shelf->items));
        (void)snprintf(shelf->items[shelf->n].name, sizeof(Name), "%s", name);
        shelf->items[shelf->n].is_there = *path;
        if (*path)
                r = read_chip(shelf, path, &shelf->items[shelf->n].chip);
        shelf->n++;
        return r;
}

static int is_conf(const struct dirent *entry)
{
        size_t n = strlen(entry->d_name);

        return n > strlen(SUFFIX) && strcmp(entry->d_name + n - strlen(SUFFIX), SUFFIX) == 0;
}

/* Not alphasort(), which asks the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

/* What was meant, of all that there are; "" for nothing. */
static void find_nearest(const Shelf *shelf, const char *name, Name ret)
{
        unsigned best = UINT32_MAX;

        ret[0] = 0;
        for (size_t i = 0; i < ARRAY_SIZE(shelf->folders); i++) {
                struct dirent **entries = NULL;
                int n = scandir(shelf->folders[i], &entries, is_conf, by_name);

                for (int k = 0; k < n; k++) {
                        Nearest nearest = nearest_begin(name);

                        entries[k]->d_name[strlen(entries[k]->d_name) - strlen(SUFFIX)] = 0;
                        nearest_offer(&nearest, entries[k]->d_name);
                        if (nearest.found && nearest.distance < best && name_is_valid(nearest.found)) {
                                best = nearest.distance;
                                (void)snprintf(ret, sizeof(Name), "%s", nearest.found);
                        }
                        free(entries[k]);
                }
                free(entries);
        }
}

static void complain_missing(Shelf *shelf, const char *path, const char *name)
{
        Name nearest;

        find_nearest(shelf, name, nearest);
        if (*nearest)
                problems_add(shelf->problems, node_nearest(shelf->settings->tree, path)->place,
                             "%s: there is no chip \"%s\"; did you mean \"%s\"?", path, name, nearest);
        else
                problems_add(shelf->problems, node_nearest(shelf->settings->tree, path)->place,
                             "%s: there is no chip \"%s\": expected %s" SUFFIX " in %s or %s (man hublink-chips)", path,
                             name, name, shelf->folders[0], shelf->folders[1]);
}

/* NULL in ret when it cannot be had. */
static int take(Shelf *shelf, const char *path, const char *name, ChipDescription **ret)
{
        size_t i = 0;
        int r;

        while (i < shelf->n && strcmp(shelf->items[i].name, name) != 0)
                i++;
        if (i == shelf->n) {
                r = shelve(shelf, name);
                if (r < 0)
                        return r;
        }
        if (!shelf->items[i].is_there)
                complain_missing(shelf, path, name);
        *ret = chip_ref(shelf->items[i].chip);
        return 0;
}

/* ---- for the sensors of the settings ---- */

/* Sensors that choose have a description of their own. */
static int choose(Shelf *shelf, SensorSettings *s)
{
        _cleanup_free_ char *error = NULL;
        ChipDescription *chosen = NULL;
        char path[128];
        int r;

        if (!s->description || s->n_options == 0)
                return 0;
        r = chip_choose(s->description, s->options, s->n_options, &chosen, &error);
        if (r < 0)
                return r;
        if (r > 0) {
                (void)snprintf(path, sizeof(path), "sensors.%s.%.*s", s->name, (int)strcspn(error, ":"), error);
                problems_add(shelf->problems, node_nearest(shelf->settings->tree, path)->place, "sensors.%s.%s",
                             s->name, error);
                return 0;
        }
        chip_unref(s->description);
        s->description = chosen;
        return 0;
}

static int equip(Shelf *shelf, SensorSettings *s)
{
        char path[128];
        int r = 0;

        if (*s->chip) {
                (void)snprintf(path, sizeof(path), "sensors.%s.chip", s->name);
                r = take(shelf, path, s->chip, &s->description);
        }
        if (r >= 0)
                r = choose(shelf, s);
        if (r >= 0 && s->mux.address != 0) {
                (void)snprintf(path, sizeof(path), "sensors.%s.mux.chip", s->name);
                r = take(shelf, path, *s->mux.chip ? s->mux.chip : SENSOR_MUX, &s->mux.description);
        }
        return r;
}

static int open_shelf(Shelf *shelf)
{
        const char *main_file = shelf->settings->files.n > 0 ? shelf->settings->files.names[0] : "";
        const char *slash = strrchr(main_file, '/');

        if (asprintf(&shelf->folders[0], "%.*schips", slash ? (int)(slash - main_file + 1) : 0, main_file) < 0) {
                shelf->folders[0] = NULL;
                return -ENOMEM;
        }
        shelf->folders[1] = strdup(HUBLINK_CHIPS_DIR);
        return shelf->folders[1] ? 0 : -ENOMEM;
}

static void close_shelf(Shelf *shelf)
{
        for (size_t i = 0; i < shelf->n; i++)
                chip_unref(shelf->items[i].chip);
        free(shelf->items);
        for (size_t i = 0; i < ARRAY_SIZE(shelf->folders); i++)
                free(shelf->folders[i]);
}

int settings_chips(Settings *s, Problems *problems)
{
        Shelf shelf = {.settings = s, .problems = problems};
        int r = open_shelf(&shelf);

        for (size_t i = 0; i < s->n_sensors && r >= 0; i++)
                r = equip(&shelf, &s->sensors[i]);
        close_shelf(&shelf);
        return r;
}

/* ---- all there are ---- */

static bool is_shelved(const Shelf *shelf, const char *name)
{
        for (size_t i = 0; i < shelf->n; i++)
                if (strcmp(shelf->items[i].name, name) == 0)
                        return true;
        return false;
}

/* One of both folders is taken from the first. */
static int shelve_folder(Shelf *shelf, const char *folder)
{
        struct dirent **entries = NULL;
        int n = scandir(folder, &entries, is_conf, by_name), r = 0;

        for (int i = 0; i < n; i++) {
                char *name = entries[i]->d_name;

                name[strlen(name) - strlen(SUFFIX)] = 0;
                if (r == 0 && name_is_valid(name) && !is_shelved(shelf, name))
                        r = shelve(shelf, name);
                free(entries[i]);
        }
        free(entries);
        return r;
}

static int by_chip_name(const void *a, const void *b)
{
        const NamedChip *x = a, *y = b;

        return strcmp(x->name, y->name);
}

static int list_shelf(const Shelf *shelf, NamedChip **ret, size_t *ret_n)
{
        NamedChip *chips = calloc(shelf->n + 1, sizeof(*chips));
        size_t n = 0;

        if (!chips)
                return -ENOMEM;
        for (size_t i = 0; i < shelf->n; i++) {
                if (!shelf->items[i].chip)
                        continue;
                memcpy(chips[n].name, shelf->items[i].name, sizeof(Name));
                chips[n++].chip = chip_ref(shelf->items[i].chip);
        }
        qsort(chips, n, sizeof(*chips), by_chip_name);
        *ret = chips;
        *ret_n = n;
        return 0;
}

int settings_chips_list(const char *main_file, NamedChip **ret, size_t *ret_n, Problems *problems)
{
        Settings files_only = {};
        Shelf shelf = {.settings = &files_only, .problems = problems};
        int r = -ENOMEM;

        files_only.files.names = calloc(1, sizeof(char *));
        if (files_only.files.names)
                files_only.files.names[0] = strdup(main_file);
        if (files_only.files.names && files_only.files.names[0]) {
                files_only.files.n = 1;
                r = open_shelf(&shelf);
        }
        for (size_t i = 0; i < ARRAY_SIZE(shelf.folders) && r == 0; i++)
                r = shelve_folder(&shelf, shelf.folders[i]);
        if (r == 0)
                r = list_shelf(&shelf, ret, ret_n);
        close_shelf(&shelf);
        settings_files_done(&files_only.files);
        return r;
}

void settings_chips_list_free(NamedChip *chips, size_t n)
{
        for (size_t i = 0; i < n; i++)
                chip_unref(chips[i].chip);
        free(chips);
}

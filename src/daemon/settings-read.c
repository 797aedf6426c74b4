/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/settings-read.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libconfig.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "daemon/settings-dropin.h"
#include "daemon/settings-scan.h"

#define FILE_SIZE_MAX (1024 * 1024)
#define FILES_MAX     256

void settings_files_done(SettingsFiles *files)
{
        for (size_t i = 0; i < files->n; i++)
                free(files->names[i]);
        free(files->names);
        *files = (SettingsFiles){};
}

static int add_file(SettingsFiles *files, const char *name, Place *ret)
{
        char **names = reallocarray(files->names, files->n + 1, sizeof(*names)), *copy;

        if (!names)
                return -ENOMEM;
        files->names = names;
        copy = strdup(name);
        if (!copy)
                return -ENOMEM;
        *ret = (Place){copy, (unsigned)files->n, 0};
        names[files->n++] = copy;
        return 0;
}

/* ---- from libconfig to nodes ---- */

static int convert(config_setting_t *setting, Place file, Node **ret)
{
        static const NodeKind kinds[] = {
                [CONFIG_TYPE_GROUP] = NODE_GROUP, [CONFIG_TYPE_LIST] = NODE_LIST,
                [CONFIG_TYPE_ARRAY] = NODE_LIST,  [CONFIG_TYPE_STRING] = NODE_TEXT,
                [CONFIG_TYPE_INT] = NODE_INTEGER, [CONFIG_TYPE_INT64] = NODE_INTEGER,
                [CONFIG_TYPE_FLOAT] = NODE_REAL,  [CONFIG_TYPE_BOOL] = NODE_BOOLEAN,
        };
        _cleanup_(node_freep) Node *n = NULL;
        Place place = file;
        int type = config_setting_type(setting), r;

        place.line = (unsigned)config_setting_source_line(setting);
        r = node_new(&n, config_setting_name(setting), place, kinds[type]);
        if (r < 0)
                return r;
        switch (n->kind) {
        case NODE_GROUP:
        case NODE_LIST:
                for (int i = 0; i < config_setting_length(setting); i++) {
                        Node *child = NULL;

                        r = convert(config_setting_get_elem(setting, (unsigned)i), file, &child);
                        if (r >= 0)
                                r = node_add(n, child);
                        if (r < 0)
                                return r;
                }
                break;
        case NODE_TEXT:
                n->text = strdup(config_setting_get_string(setting));
                if (!n->text)
                        return -ENOMEM;
                break;
        case NODE_INTEGER:
                n->integer = type == CONFIG_TYPE_INT64 ? config_setting_get_int64(setting)
                                                       : config_setting_get_int(setting);
                n->hexadecimal = config_setting_get_format(setting) == CONFIG_FORMAT_HEX;
                break;
        case NODE_REAL:
                n->real = config_setting_get_float(setting);
                break;
        case NODE_BOOLEAN:
                n->boolean = config_setting_get_bool(setting);
                break;
        }
        *ret = TAKE_PTR(n);
        return 0;
}

/* libconfig's words are short; these say what to look at. */
static void explain(const config_t *config, Place place, Problems *problems)
{
        const char *why = config_error_text(config);

        place.line = (unsigned)config_error_line(config);
        if (why && strcmp(why, "duplicate setting name") == 0)
                problems_add(problems, place, "this key stands here for the second time in one group");
        else if (why && strcmp(why, "mismatched element type in array") == 0)
                problems_add(problems, place,
                             "an array [ ] holds values of one kind only; a list ( ) holds any");
        else
                problems_add(problems, place,
                             "cannot be understood; written is  key = value;  or  key: { ... };  with "
                             "\"texts\" in quotes (look at the end of the line before, too)");
}

int settings_read_text(const char *name, const char *text, size_t size, SettingsFiles *files, Node **ret,
                       Problems *problems)
{
        Buffer copy = BUFFER_NULL;
        config_t config;
        Place place;
        int r;

        r = add_file(files, name, &place);
        if (r < 0)
                return r;
        config_init(&config);
        if (!settings_scan(text, size, place, &copy, problems)) {
                r = SETTINGS_E_BAD;
        } else if (buffer_error(&copy) < 0) {
                r = -ENOMEM;
        } else if (!config_read_string(&config, copy.data ?: "")) {
                explain(&config, place, problems);
                r = SETTINGS_E_BAD;
        } else {
                r = convert(config_root_setting(&config), place, ret);
        }
        config_destroy(&config);
        buffer_done(&copy);
        return r;
}

/* ---- files ---- */

static int slurp(const char *path, Buffer *b)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        for (;;) {
                char chunk[4096];
                ssize_t n = read(fd, chunk, sizeof(chunk));

                if (n < 0)
                        return -errno;
                if (n == 0)
                        return buffer_error(b);
                buffer_append(b, chunk, (size_t)n);
                if (b->size > FILE_SIZE_MAX)
                        return -EFBIG;
        }
}

static const char *remedy(int error, bool is_main)
{
        switch (-error) {
        case ENOENT:
                if (!is_main)
                        return "";
                return "; name another with --config, or make an empty one: every setting has a default";
        case EACCES:
                return "; whoever runs hublinkd must be able to read it";
        default:
                return "";
        }
}

static int read_file(const char *path, bool is_main, SettingsFiles *files, Node **ret, Problems *problems)
{
        Buffer text = BUFFER_NULL;
        Place place;
        int r;

        r = slurp(path, &text);
        if (r == -ENOMEM) {
                buffer_done(&text);
                return r;
        }
        if (r < 0) {
                int added = add_file(files, path, &place);

                if (added >= 0)
                        problems_add(problems, place, "cannot be read: %s%s",
                                     r == -EFBIG    ? "it is larger than 1 MiB"
                                     : r == -EINVAL ? "it is no regular file"
                                                    : strerror(-r),
                                     remedy(r, is_main));
                r = added < 0 ? added : SETTINGS_E_BAD;
        } else {
                r = settings_read_text(path, text.data ?: "", text.size, files, ret, problems);
        }
        buffer_done(&text);
        return r;
}

static int is_conf(const struct dirent *entry)
{
        size_t n = strlen(entry->d_name);

        return entry->d_name[0] != '.' && n > 5 && strcmp(entry->d_name + n - 5, ".conf") == 0;
}

/* Not alphasort(), which asks the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

/* A file of methods.d says something of one method, others say anything. */
static int read_part(const char *path, bool of_method, SettingsFiles *files, Node **ret, Problems *problems)
{
        Node *part = NULL;
        int r = read_file(path, false, files, &part, problems);

        if (r != 0 || !of_method) {
                *ret = part;
                return r;
        }
        return settings_dropin_method(path, part, ret, problems);
}

static int read_directory(const char *directory, bool of_methods, SettingsFiles *files, Node *tree, Problems *problems)
{
        struct dirent **entries = NULL;
        int n, r = 0;

        n = scandir(directory, &entries, is_conf, by_name);
        if (n < 0 && errno == ENOENT)
                return 0;
        if (n < 0 || n > FILES_MAX) {
                Place place;
                int error = n < 0 ? errno : E2BIG;

                r = add_file(files, directory, &place);
                if (r >= 0) {
                        problems_add(problems, place, "cannot be read: %s", strerror(error));
                        r = SETTINGS_E_BAD;
                }
        } else {
                for (int i = 0; i < n && r >= 0; i++) {
                        _cleanup_free_ char *path = NULL;
                        Node *over = NULL;
                        int k;

                        k = asprintf(&path, "%s/%s", directory, entries[i]->d_name) < 0
                                    ? -ENOMEM
                                    : read_part(path, of_methods, files, &over, problems);
                        if (k == 0)
                                k = node_merge(tree, over);
                        if (k != 0)
                                r = k;
                }
        }
        for (int i = 0; i < n; i++)
                free(entries[i]);
        free(entries);
        return r;
}

int settings_read(const char *path, SettingsFiles *files, Node **ret, Problems *problems)
{
        _cleanup_(node_freep) Node *tree = NULL;
        static const char *const directories[] = {"conf.d", "methods.d"};
        const char *slash = strrchr(path, '/');
        int worst, r;

        worst = read_file(path, true, files, &tree, problems);
        if (worst < 0)
                return worst;
        if (!tree) {
                r = node_new(&tree, NULL, (Place){files->names[0], 0, 0}, NODE_GROUP);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
                _cleanup_free_ char *directory = NULL;

                if (asprintf(&directory, "%.*s%s", slash ? (int)(slash - path + 1) : 0, path, directories[i]) < 0)
                        return -ENOMEM;
                r = read_directory(directory, i == 1, files, tree, problems);
                if (r < 0)
                        return r;
                worst = MAX(worst, r);
        }
        *ret = TAKE_PTR(tree);
        return worst;
}

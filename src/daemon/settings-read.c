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

/* One that is read again is the same file. */
static int add_file(SettingsFiles *files, const char *name, Place *ret)
{
        char **names, *copy;

        for (size_t i = 0; i < files->n; i++)
                if (strcmp(files->names[i], name) == 0) {
                        *ret = (Place){files->names[i], (unsigned)i, 0};
                        return 0;
                }
        names = reallocarray(files->names, files->n + 1, sizeof(*names));
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
                        problems_add_unread(problems, place, r, "cannot be read: %s%s",
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

int settings_read_one(const char *path, SettingsFiles *files, Node **ret, Problems *problems)
{
        return read_file(path, false, files, ret, problems);
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

/* Turns what one file says into settings. NULL: they are. */
typedef int (*Dropin)(const char *path, Node *file, Node **ret, Problems *problems);

static int read_part(const char *path, Dropin dropin, SettingsFiles *files, Node **ret, Problems *problems)
{
        Node *part = NULL;
        int r = read_file(path, false, files, &part, problems);

        if (r != 0 || !dropin) {
                *ret = part;
                return r;
        }
        return dropin(path, part, ret, problems);
}

static int complain_of_directory(const char *directory, int error, SettingsFiles *files, Problems *problems)
{
        Place place;
        int r = add_file(files, directory, &place);

        if (r < 0)
                return r;
        problems_add_unread(problems, place, -error, "cannot be read: %s", strerror(error));
        return SETTINGS_E_BAD;
}

static int lay_file(const char *directory, const char *name, Dropin dropin, SettingsFiles *files, Node *tree,
                    Problems *problems)
{
        _cleanup_free_ char *path = NULL;
        Node *over = NULL;
        int r;

        if (asprintf(&path, "%s/%s", directory, name) < 0)
                return -ENOMEM;
        r = read_part(path, dropin, files, &over, problems);
        return r == 0 ? node_merge(tree, over) : r;
}

static int lay_candidate(const char *directory, const SettingsCandidate *c, SettingsFiles *files, Node *tree,
                         Problems *problems)
{
        _cleanup_free_ char *path = NULL;
        Node *over = NULL;
        int r;

        if (!c->text)
                return 0;
        if (asprintf(&path, "%s/%s", directory, c->name) < 0)
                return -ENOMEM;
        r = settings_read_text(path, c->text, strlen(c->text), files, &over, problems);
        return r == 0 ? node_merge(tree, over) : r;
}

static int worse(int a, int b)
{
        return b < 0 ? b : MAX(a, b);
}

/* Each in the order of the names; the candidate has its place among them, which another of its name leaves. */
static int lay_files(const char *directory, Dropin dropin, const SettingsCandidate *candidate,
                     struct dirent *const *entries, int n, SettingsFiles *files, Node *tree, Problems *problems)
{
        int worst = 0;

        for (int i = 0; i <= n && worst >= 0; i++) {
                const char *name = i < n ? entries[i]->d_name : NULL;
                int order = !candidate ? 1 : name ? strcmp(candidate->name, name) : -1;

                if (order <= 0)
                        worst = worse(worst, lay_candidate(directory, TAKE_PTR(candidate), files, tree, problems));
                if (name && order != 0 && worst >= 0)
                        worst = worse(worst, lay_file(directory, name, dropin, files, tree, problems));
        }
        return worst;
}

static int read_directory(const char *directory, Dropin dropin, const SettingsCandidate *candidate,
                          SettingsFiles *files, Node *tree, Problems *problems)
{
        struct dirent **entries = NULL;
        int n = scandir(directory, &entries, is_conf, by_name), r = 0;
        Place place;

        if (n < 0 && errno != ENOENT)
                return complain_of_directory(directory, errno, files, problems);
        if (n >= 0)
                r = add_file(files, directory, &place);
        if (r == 0)
                r = n > FILES_MAX ? complain_of_directory(directory, E2BIG, files, problems)
                                  : lay_files(directory, dropin, candidate, entries, MAX(n, 0), files, tree, problems);
        for (int i = 0; i < n; i++)
                free(entries[i]);
        free(entries);
        return r;
}

int settings_read(const char *path, const SettingsCandidate *candidate, SettingsFiles *files, Node **ret,
                  Problems *problems)
{
        _cleanup_(node_freep) Node *tree = NULL;
        static const struct {
                const char *name;
                Dropin dropin;
        } directories[] = {
                {"conf.d", NULL},
                {"methods.d", settings_dropin_method},
                {"commands.d", settings_dropin_command},
        };
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

                if (asprintf(&directory, "%.*s%s", slash ? (int)(slash - path + 1) : 0, path,
                             directories[i].name) < 0)
                        return -ENOMEM;
                r = read_directory(directory, directories[i].dropin, i == 0 ? candidate : NULL, files, tree, problems);
                if (r < 0)
                        return r;
                worst = MAX(worst, r);
        }
        *ret = TAKE_PTR(tree);
        return worst;
}

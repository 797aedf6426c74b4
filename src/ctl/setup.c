/* SPDX-License-Identifier: Apache-2.0 */

/* setup: what an installed gateway wants to know before it can connect, asked or given, stored, tried. */

#include "ctl/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "ctl/root.h"
#include "ctl/system-lock.h"

typedef struct Setup {
        SetupWays ways;
        Access access;
        SetupIds ids;
        const char *secret_file;
        const char *enable, *disable;
        const char *tree; /* --root as it was given; NULL: this machine */
        bool forget, back, sure;
} Setup;

void setup_say(const SetupWays *ways, const char *fmt, ...)
{
        va_list ap;

        if (ways->options->json)
                return;
        va_start(ap, fmt);
        (void)vprintf(fmt, ap);
        va_end(ap);
        (void)fflush(stdout);
}

void setup_complain(const char *what, const char *why)
{
        size_t n = strlen(why);

        fprintf(stderr, "%s: %s%s\n", what, why, n > 0 && why[n - 1] == '?' ? "" : ".");
}

/* ---- what is asked of us ---- */

enum {
        O_CS = 1, O_SCOPE, O_REGISTRATION, O_KEY, O_GROUP_KEY, O_NO_START, O_YES, O_FORGET, O_BACK, O_ENABLE, O_DISABLE,
        O_ROOT, O_TIMEOUT, O_BARE,
};

static const struct option longs[] = {
        {"connection-string-file", required_argument, NULL, O_CS},
        {"dps-id-scope", required_argument, NULL, O_SCOPE},
        {"dps-registration-id", required_argument, NULL, O_REGISTRATION},
        {"dps-key-file", required_argument, NULL, O_KEY},
        {"dps-group-key-file", required_argument, NULL, O_GROUP_KEY},
        {"no-start", no_argument, NULL, O_NO_START},
        {"yes", no_argument, NULL, O_YES},
        {"forget", no_argument, NULL, O_FORGET},
        {"back", no_argument, NULL, O_BACK},
        {"enable", required_argument, NULL, O_ENABLE},
        {"disable", required_argument, NULL, O_DISABLE},
        {"root", required_argument, NULL, O_ROOT},
        {"timeout", required_argument, NULL, O_TIMEOUT},
        {"connection-string", required_argument, NULL, O_BARE}, /* else it would be taken for the one with a file */
        {},
};

static int take_secret(Setup *s, AccessKind kind, const char *file)
{
        if (s->secret_file)
                return usage("setup", "setup: one connection string, or one key, is enough.");
        s->secret_file = file;
        s->access.kind = kind;
        return CTL_OK;
}

/* It is not repeated: somebody may have pasted his key. */
static int refuse_bare(void)
{
        return usage("setup", "setup: takes options only; a connection string is typed when it is asked for, or stands "
                              "in a file.");
}

static int take(Setup *s, int o)
{
        switch (o) {
        case O_CS:
                return take_secret(s, ACCESS_CONNECTION_STRING, optarg);
        case O_KEY:
                return take_secret(s, ACCESS_KEY, optarg);
        case O_GROUP_KEY:
                return take_secret(s, ACCESS_GROUP_KEY, optarg);
        case O_SCOPE:
                s->access.id_scope = optarg;
                return CTL_OK;
        case O_REGISTRATION:
                s->access.registration_id = optarg;
                return CTL_OK;
        case O_NO_START:
                s->ways.no_start = true;
                return CTL_OK;
        case O_YES:
                s->sure = true;
                return CTL_OK;
        case O_FORGET:
                s->forget = true;
                return CTL_OK;
        case O_BACK:
                s->back = true;
                return CTL_OK;
        case O_ENABLE:
                s->enable = optarg;
                return CTL_OK;
        case O_DISABLE:
                s->disable = optarg;
                return CTL_OK;
        case O_ROOT:
                s->ways.root = s->tree = optarg;
                return CTL_OK;
        case O_TIMEOUT:
                return parse_span("setup", optarg, &s->ways.timeout);
        case O_BARE:
                return refuse_bare();
        default:
                return usage("setup", "setup: this is not understood.");
        }
}

static bool names_provisioning(const Setup *s)
{
        return s->access.id_scope || s->access.registration_id;
}

/* What does not go together. */
static int check(const Setup *s)
{
        bool by_key = s->secret_file && s->access.kind != ACCESS_CONNECTION_STRING;
        int n = !!s->enable + !!s->disable + s->forget + s->back + (s->secret_file || names_provisioning(s));

        if (s->tree && !root_is_tree(s->tree))
                return usage("setup", "setup: --root: '%s' is no folder.", s->tree);
        if (s->tree && root_is_ours(s->tree))
                return usage("setup", "setup: --root: '%s' is this machine, not the tree of another one.", s->tree);
        if (n > 1)
                return usage("setup", "setup: a credential, --back, --forget, --enable and --disable are one at a "
                                      "time.");
        if (names_provisioning(s) != by_key || (by_key && !(s->access.id_scope && s->access.registration_id)))
                return usage("setup", "setup: --dps-id-scope, --dps-registration-id and a key belong together.");
        return CTL_OK;
}

static int parse(Setup *s, int argc, char **argv)
{
        int o, r = CTL_OK;

        while (r == CTL_OK && (o = getopt_long(argc, argv, "", longs, NULL)) >= 0)
                r = take(s, o);
        if (r == CTL_OK && optind < argc)
                return refuse_bare();
        return r != CTL_OK ? r : check(s);
}

/* ---- the credential ---- */

/* What is no file may be the secret itself: its name is told only where it can be none. No key has a dot, and none the
 * folder of a file before it. */
static bool is_surely_a_path(const char *file)
{
        char folder[PATH_MAX];
        const char *slash = strrchr(file, '/');

        if (strchr(file, '=') || strchr(file, ';'))
                return false;
        (void)snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - file) : 0, file);
        return strchr(file, '.') || (*folder && access(folder, F_OK) == 0);
}

static int complain_of_file(const Setup *s, int error)
{
        const char *noun = access_noun(s->access.kind);

        if (is_surely_a_path(s->secret_file))
                fprintf(stderr, "%s, the file with the %s, cannot be read: %s.\n", s->secret_file, noun,
                        strerror(error));
        else
                fprintf(stderr, "The file with the %s cannot be read: %s.\n", noun, strerror(error));
        return CTL_FAILED;
}

static void warn_of_readers(const Setup *s, int fd)
{
        struct stat st;

        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077))
                fprintf(stderr, "%s can be read by others (mode %04o): whoever did has the %s. Better give it a new "
                                "one at the hub.\n",
                        s->secret_file, (unsigned)(st.st_mode & 07777), access_noun(s->access.kind));
}

static int read_secret(Setup *s)
{
        bool given = strcmp(s->secret_file, "-") == 0;
        _cleanup_close_ int fd = given ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                       : open(s->secret_file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        const char *why = NULL;
        char what[PATH_MAX + 128];
        int r;

        if (fd < 0)
                return complain_of_file(s, errno);
        r = file_read(&s->access.secret, fd, ACCESS_SECRET_MAX);
        if (r == 0)
                r = access_check(&s->access, &why);
        if (r == 0 && !given)
                warn_of_readers(s, fd);
        if (r == 0)
                return CTL_OK;
        (void)snprintf(what, sizeof(what), "%s holds no %s that can be used", given ? "standard input" : s->secret_file,
                       access_noun(s->access.kind));
        setup_complain(what, why ?: r == -EFBIG ? "it is too long" : r == -EBADMSG ? "it is no text" : strerror(-r));
        return CTL_FAILED;
}

static int find_secret(Setup *s)
{
        bool typed = isatty(STDIN_FILENO);

        if (s->secret_file && typed && strcmp(s->secret_file, "-") == 0)
                return usage("setup", "setup: this standard input is a terminal, which would show it: without options "
                                      "it is asked for and not shown.");
        if (s->secret_file)
                return read_secret(s);
        if (!typed)
                return usage("setup", "setup: there is no terminal to ask on: --connection-string-file FILE, or - for "
                                      "standard input.");
        return setup_ask(&s->access, &s->ids);
}

/* ---- one at a time ---- */

static int refuse(int error, pid_t holder)
{
        char who[32] = "";

        if (holder > 0)
                (void)snprintf(who, sizeof(who), " (process %d)", (int)holder);
        if (error == -EBUSY)
                fprintf(stderr, "Another hublinkctl setup is under way%s. Nothing was changed.\n", who);
        else
                fprintf(stderr, SETUP_LOCK ": %s. Nothing was changed.\n", strerror(-error));
        return CTL_FAILED;
}

/* Two at a time would each put back what the other one stored. Whoever is still asked something keeps nobody out: he
 * may have left. */
static int alone(Setup *s, int (*change)(Setup *s))
{
        SystemLock lock = SYSTEM_LOCK_NULL;
        pid_t holder;
        int r = system_lock_take(&lock, s->ways.root, SETUP_LOCK, &holder);

        r = r < 0 ? refuse(r, holder) : change(s);
        system_lock_done(&lock);
        setup_release(&s->ways);
        return r;
}

/* ---- the credential's coming and going ---- */

static int replace(Setup *s)
{
        bool connected = false;
        int r = setup_replace(&s->ways, &s->access, &connected);

        if (connected && s->secret_file && strcmp(s->secret_file, "-") != 0 &&
            setup_is_another_file(&s->ways, s->access.kind, s->secret_file))
                setup_say(&s->ways, "%s is not needed any more: remove it.\n", s->secret_file);
        return r;
}

static int put_in(Setup *s)
{
        int r;

        if (!s->sure && !s->secret_file && isatty(STDIN_FILENO) && setup_is_stored(&s->ways) &&
            !setup_is_agreed("This gateway has a credential from an earlier setup. Replace it?")) {
                fprintf(stderr, "Nothing was changed.\n");
                return CTL_FAILED;
        }
        r = find_secret(s);
        return r == CTL_OK ? alone(s, replace) : r;
}

static int put_back(Setup *s)
{
        return setup_back(&s->ways);
}

static int back(Setup *s)
{
        if (!s->sure && setup_is_aside(&s->ways) && setup_has_connected(&s->ways) &&
            (!isatty(STDIN_FILENO) || !setup_is_agreed("The credential that is stored has connected to its hub. Go "
                                                       "back to the earlier one?"))) {
                fprintf(stderr, "Nothing was changed; --yes says that it is meant.\n");
                return CTL_FAILED;
        }
        return alone(s, put_back);
}

static int remove_it(Setup *s)
{
        bool changed = false;
        int r = setup_forget(&s->ways, &changed);

        if (r == CTL_OK && !changed)
                setup_say(&s->ways, "There is no credential of an earlier setup.\n");
        return r != CTL_OK || !changed ? r : setup_take_over(&s->ways);
}

static int forget(Setup *s)
{
        if (!s->sure && (!isatty(STDIN_FILENO) ||
                         !setup_is_agreed("The credential is removed from this machine, and hublinkd can send no more. "
                                          "Go on?"))) {
                fprintf(stderr, "Nothing was removed; --yes says that it is meant.\n");
                return CTL_FAILED;
        }
        return alone(s, remove_it);
}

/* ---- what there is to do ---- */

static int enable(Setup *s)
{
        return setup_enable(&s->ways, s->enable);
}

static int disable(Setup *s)
{
        return setup_disable(&s->ways, s->disable);
}

static int run(Setup *s)
{
        if (geteuid() != 0) { /* files in another tree would be some user's of that machine */
                fprintf(stderr, "setup: only root may: sudo hublinkctl setup\n");
                return CTL_FAILED;
        }
        if (s->enable)
                return alone(s, enable);
        if (s->disable)
                return alone(s, disable);
        if (s->back)
                return back(s);
        return s->forget ? forget(s) : put_in(s);
}

int command_setup(const Options *options, int argc, char **argv)
{
        Setup s = {.ways = {.options = options, .root = "", .timeout = SETUP_TIMEOUT}};
        int r = parse(&s, argc, argv);

        if (r == CTL_OK)
                r = run(&s);
        access_done(&s.access);
        return r;
}

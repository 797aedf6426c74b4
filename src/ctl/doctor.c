/* SPDX-License-Identifier: Apache-2.0 */

/*
 * doctor: looks over this machine, and says what is wrong, why it matters and what to do.
 */

#include "ctl/doctor.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "ctl/connection.h"
#include "ctl/diagnosis.h"
#include "ctl/root.h"

static const struct {
        const char *name;
        void (*look)(Doctor *d);
} groups[] = {
        {"settings", doctor_settings},
        {"clock", doctor_clock},
        {"unit", doctor_unit},
        {"commands", doctor_commands},
        {"bus", doctor_bus},
        {"credential", doctor_credential},
        {"certificates", doctor_certificates},
        {"network", doctor_network},
        {"disk", doctor_disk},
        {"sensors", doctor_sensors},
        {"metrics", doctor_metrics},
        {"daemon", doctor_daemon},
};

static const struct {
        const char *name, *shown;
        Colour colour;
} verdicts[_VERDICT_MAX] = {
        [VERDICT_WELL] = {"well", "well", COLOUR_GOOD},
        [VERDICT_UNSEEN] = {"unseen", "unseen", COLOUR_FAINT},
        [VERDICT_WARNING] = {"warning", "WARNING", COLOUR_CARE},
        [VERDICT_PROBLEM] = {"problem", "PROBLEM", COLOUR_BAD},
};

/* ---- findings ---- */

static char *copy(const char *text, bool *no_memory)
{
        char *copied = text ? strdup(text) : NULL;

        *no_memory |= text && !copied;
        return copied;
}

static void add(Doctor *d, Verdict verdict, const char *id, Advice advice, const char *fmt, va_list ap)
{
        Finding *more = reallocarray(d->findings, d->n_findings + 1, sizeof(*more));
        char *what = NULL;

        if (more)
                d->findings = more;
        if (!more || vasprintf(&what, fmt, ap) < 0) {
                d->no_memory = true;
                return;
        }
        d->findings[d->n_findings++] = (Finding){.verdict = verdict,
                                                 .group = d->group,
                                                 .id = id,
                                                 .what = what,
                                                 .why = copy(advice.why, &d->no_memory),
                                                 .remedy = copy(advice.remedy, &d->no_memory)};
}

void doctor_well(Doctor *d, const char *id, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        add(d, VERDICT_WELL, id, (Advice){}, fmt, ap);
        va_end(ap);
}

void doctor_unseen(Doctor *d, const char *id, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        add(d, VERDICT_UNSEEN, id, (Advice){}, fmt, ap);
        va_end(ap);
}

void doctor_tell(Doctor *d, Verdict verdict, const char *id, Advice advice, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        add(d, verdict, id, advice, fmt, ap);
        va_end(ap);
}

static size_t count(const Doctor *d, Verdict verdict)
{
        size_t n = 0;

        for (size_t i = 0; i < d->n_findings; i++)
                n += d->findings[i].verdict == verdict;
        return n;
}

/* ---- output ---- */

static void print_head(const Screen *screen, const Finding *f)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        buffer_printf(&b, "%s %s: %s", verdicts[f->verdict].shown, f->group, f->what);
        if (buffer_error(&b) == 0)
                screen_print(screen, verdicts[f->verdict].colour, b.data);
}

static void print_text(const Doctor *d)
{
        Screen screen = screen_of_stdout();
        size_t problems = count(d, VERDICT_PROBLEM), warnings = count(d, VERDICT_WARNING);

        for (size_t i = 0; i < d->n_findings; i++) {
                const Finding *f = &d->findings[i];

                print_head(&screen, f);
                if (f->why)
                        printf("  why: %s\n", f->why);
                if (f->remedy)
                        printf("  do: %s\n", f->remedy);
        }
        printf("\n%zu problem%s, %zu warning%s; %zu well, %zu could not be looked at.\n", problems,
               problems == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s", count(d, VERDICT_WELL),
               count(d, VERDICT_UNSEEN));
}

static void put_text(Buffer *b, const char *name, const char *text)
{
        buffer_printf(b, ",\"%s\":", name);
        if (text)
                json_string(b, text);
        else
                buffer_append_string(b, "null");
}

static int print_json(const Doctor *d)
{
        Buffer b = BUFFER_NULL;

        buffer_printf(&b, "{\"problems\":%zu,\"warnings\":%zu,\"well\":%zu,\"unseen\":%zu,\"findings\":[",
                      count(d, VERDICT_PROBLEM), count(d, VERDICT_WARNING), count(d, VERDICT_WELL),
                      count(d, VERDICT_UNSEEN));
        for (size_t i = 0; i < d->n_findings; i++) {
                const Finding *f = &d->findings[i];

                buffer_printf(&b, "%s{\"verdict\":\"%s\",\"group\":\"%s\",\"id\":\"%s\"", i > 0 ? "," : "",
                              verdicts[f->verdict].name, f->group, f->id);
                put_text(&b, "what", f->what);
                put_text(&b, "why", f->why);
                put_text(&b, "do", f->remedy);
                buffer_append_char(&b, '}');
        }
        buffer_append_string(&b, "]}\n");
        return print_buffer(&b);
}

/* ---- the command ---- */

/* A person who waits sees what for. */
static void look(Doctor *d)
{
        bool wanted = isatty(STDERR_FILENO);

        for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
                d->group = groups[i].name;
                if (wanted)
                        fprintf(stderr, "\r\033[K%zu/%zu %s", i + 1, ARRAY_SIZE(groups), d->group);
                groups[i].look(d);
        }
        if (wanted)
                fprintf(stderr, "\r\033[K");
}

/* The tree, as the kernel calls it. That of this machine is none. */
static int take_root(Doctor *d, const char *folder)
{
        if (!realpath(folder, d->root) || !root_is_tree(d->root)) {
                fprintf(stderr, "doctor: --root %s: %s.\n", folder, strerror(errno));
                return CTL_FAILED;
        }
        if (strcmp(d->root, "/") == 0)
                *d->root = 0;
        return CTL_OK;
}

static int parse(Doctor *d, bool *ret_strict, int argc, char **argv)
{
        static const struct option longs[] = {{"offline", no_argument, NULL, 'o'},
                                              {"strict", no_argument, NULL, 's'},
                                              {"root", required_argument, NULL, 'r'},
                                              {"state-dir", required_argument, NULL, 'd'},
                                              {}};
        int o, r;

        while ((o = getopt_long(argc, argv, "", longs, NULL)) >= 0)
                switch (o) {
                case 'o':
                        d->offline = true;
                        break;
                case 's':
                        *ret_strict = true;
                        break;
                case 'r':
                        r = *optarg ? take_root(d, optarg) : usage(argv[0], "doctor: --root: '' is no folder.");
                        if (r != CTL_OK)
                                return r;
                        break;
                case 'd':
                        d->state_dir = optarg;
                        if (!*optarg)
                                return usage(argv[0], "doctor: --state-dir: '' is no folder.");
                        break;
                default:
                        return usage(argv[0], "doctor: this is not understood.");
                }
        return optind < argc ? usage(argv[0], "doctor: there is no argument '%s'.", argv[optind]) : CTL_OK;
}

static void doctor_done(Doctor *d)
{
        for (size_t i = 0; i < d->n_findings; i++) {
                free(d->findings[i].what);
                free(d->findings[i].why);
                free(d->findings[i].remedy);
        }
        free(d->findings);
        settings_free(d->settings);
        free(d->hub);
        unit_files_done(&d->unit);
        connection_close(d->bus);
}

int command_doctor(const Options *options, int argc, char **argv)
{
        _cleanup_(doctor_done) Doctor d = {.options = options,
                                                 .config = options->config ?: SETTINGS_FILE,
                                                 .state_dir = SETTINGS_STATE_DIR};
        bool strict = false;
        int r = parse(&d, &strict, argc, argv);

        if (r != CTL_OK)
                return r;
        log_configure(&(LogSettings){.level = LOG_EMERG}); /* what others would log we tell in our own words */
        doctor_find_user(&d);
        look(&d);
        if (d.no_memory) {
                fprintf(stderr, "doctor: out of memory\n");
                return CTL_FAILED;
        }
        if (options->json)
                (void)print_json(&d);
        else
                print_text(&d);
        return diagnosis_is_bad(count(&d, VERDICT_PROBLEM), count(&d, VERDICT_WARNING), strict) ? CTL_FAILED : CTL_OK;
}

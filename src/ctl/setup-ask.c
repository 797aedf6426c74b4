/* SPDX-License-Identifier: Apache-2.0 */

/* What setup asks on a terminal. What is secret is not shown; however the asking ends, the terminal shows again what is
 * typed. */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>

#include "base/secret.h"
#include "ctl/setup.h"

#define TRIES 3

/* ---- the terminal ---- */

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
        caught = number;
}

static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

/* How it was before somebody asks unseen. */
typedef struct Before {
        struct sigaction actions[ARRAY_SIZE(ends)];
        sigset_t mask;
} Before;

static const sigset_t *waiting_mask; /* of a wait for what is typed; NULL: as it is */

/* They come only while we wait, and end that; one between the question and the wait is not lost. */
static void catch_ends(Before *before)
{
        struct sigaction action = {.sa_handler = on_signal};
        sigset_t blocked;

        caught = 0;
        (void)sigemptyset(&blocked);
        for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
                (void)sigaddset(&blocked, ends[i]);
        (void)sigprocmask(SIG_BLOCK, &blocked, &before->mask);
        for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
                (void)sigaction(ends[i], &action, &before->actions[i]);
        waiting_mask = &before->mask;
}

/* What came meanwhile comes now. */
static void release_ends(const Before *before)
{
        waiting_mask = NULL;
        for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
                (void)sigaction(ends[i], &before->actions[i], NULL);
        (void)sigprocmask(SIG_SETMASK, &before->mask, NULL);
        if (caught)
                (void)raise(caught);
}

static bool wait_for_input(void)
{
        struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};

        return ppoll(&p, 1, NULL, waiting_mask) > 0;
}

/* One line, byte by byte: stdio would keep a copy of it. */
static int read_line(char *text, size_t size)
{
        size_t n = 0;
        char c;

        for (;;) {
                ssize_t r = wait_for_input() ? read(STDIN_FILENO, &c, 1) : -1;

                if (r <= 0)
                        return -1;
                if (c == '\n')
                        break;
                if (n + 1 < size)
                        text[n] = c;
                n++;
        }
        text[MIN(n, size - 1)] = 0;
        return n < size ? 0 : -1;
}

static int give_up(const char *before)
{
        fprintf(stderr, "%sNothing was stored.\n", before);
        return CTL_FAILED;
}

static int ask(const char *question, char *text, size_t size)
{
        fprintf(stderr, "%s", question);
        (void)fflush(stderr);
        return read_line(text, size) == 0 ? CTL_OK : give_up("\n");
}

static int ask_unseen(const char *question, char *text, size_t size)
{
        Before before;
        struct termios shown, unseen;
        int r;

        catch_ends(&before);
        if (tcgetattr(STDIN_FILENO, &shown) < 0)
                shown.c_lflag = ECHO;
        unseen = shown;
        unseen.c_lflag &= ~(tcflag_t)ECHO;
        unseen.c_lflag |= ECHONL;
        if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &unseen) < 0) {
                fprintf(stderr, "This terminal cannot be told to show nothing: put the text into a file.\n");
                release_ends(&before);
                return CTL_FAILED;
        }
        r = ask(question, text, size);
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        release_ends(&before);
        return r;
}

bool setup_is_agreed(const char *question)
{
        char answer[16];

        fprintf(stderr, "%s [y/N] ", question);
        (void)fflush(stderr);
        return read_line(answer, sizeof(answer)) == 0 && (answer[0] == 'y' || answer[0] == 'Y');
}

/* ---- the questions ---- */

static int complain(const char *why)
{
        setup_complain("That cannot be", why ?: strerror(ENOMEM));
        return CTL_OK;
}

/* Whoever has the connection string at hand pastes it at the first question, where it is seen. */
static int take_pasted(Access *a, const char *text)
{
        const char *why = NULL;

        access_done(a);
        a->kind = ACCESS_CONNECTION_STRING;
        buffer_append_string(&a->secret, text);
        if (access_check(a, &why) < 0) {
                access_done(a);
                return complain(why);
        }
        fprintf(stderr, "That is a connection string, and it is taken. It can be read on this screen: clear it.\n");
        return CTL_OK;
}

/* *ret_kind: what was chosen; or none, and the access has all that it needs. */
static int ask_kind(Access *a, AccessKind *ret_kind)
{
        char answer[ACCESS_SECRET_MAX] = "";
        int r;

        *ret_kind = _ACCESS_KIND_MAX;
        r = ask("How does this gateway get to its hub?\n"
                "  1  by the connection string of its device\n"
                "  2  by the Device Provisioning Service, with its own key\n"
                "  3  by the same, with the key of an enrollment group\n"
                "Which? [1] ", answer, sizeof(answer));
        if (r == CTL_OK && strcasestr(answer, "HostName="))
                r = take_pasted(a, answer);
        else if (r == CTL_OK && !*answer)
                *ret_kind = ACCESS_CONNECTION_STRING;
        else if (r == CTL_OK && *answer >= '1' && *answer <= '3' && !answer[1])
                *ret_kind = (AccessKind)(*answer - '1');
        else if (r == CTL_OK)
                r = complain("1, 2 or 3 is expected");
        explicit_bzero(answer, sizeof(answer));
        return r;
}

/* Each is looked at before the next is asked for: nobody types a key for nothing. */
static int ask_id(const char *question, const char *(*wrong)(const char *), char *text, size_t size)
{
        for (int i = 0; i < TRIES; i++) {
                const char *why;
                int r = ask(question, text, size);

                if (r != CTL_OK || !(why = wrong(text)))
                        return r;
                (void)complain(why);
        }
        return give_up("");
}

static int ask_ids(Access *a, SetupIds *ids)
{
        int r = ask_id("Id scope: ", access_wrong_id_scope, ids->id_scope, sizeof(ids->id_scope));

        if (r == CTL_OK)
                r = ask_id("Registration id: ", access_wrong_registration_id, ids->registration_id,
                           sizeof(ids->registration_id));
        a->id_scope = ids->id_scope;
        a->registration_id = ids->registration_id;
        return r;
}

static int ask_secret(Access *a)
{
        char question[64], text[ACCESS_SECRET_MAX] = "";
        int r;

        (void)snprintf(question, sizeof(question), "The %s (it is not shown): ", access_noun(a->kind));
        access_done(a);
        r = ask_unseen(question, text, sizeof(text));
        if (r == CTL_OK)
                buffer_append_string(&a->secret, text);
        explicit_bzero(text, sizeof(text));
        return r;
}

static int ask_checked_secret(Access *a)
{
        for (int i = 0; i < TRIES; i++) {
                const char *why = NULL;
                int r = ask_secret(a);

                if (r != CTL_OK || access_check(a, &why) == 0)
                        return r;
                (void)complain(why);
        }
        return give_up("");
}

int setup_ask(Access *a, SetupIds *ids)
{
        AccessKind kind = _ACCESS_KIND_MAX;
        int r = CTL_OK;

        for (int i = 0; r == CTL_OK && i < TRIES && kind == _ACCESS_KIND_MAX; i++) {
                r = ask_kind(a, &kind);
                if (r == CTL_OK && kind == _ACCESS_KIND_MAX && a->secret.size > 0)
                        return CTL_OK;
        }
        if (r == CTL_OK && kind == _ACCESS_KIND_MAX)
                return give_up("");
        a->kind = kind;
        if (r == CTL_OK && kind != ACCESS_CONNECTION_STRING)
                r = ask_ids(a, ids);
        return r == CTL_OK ? ask_checked_secret(a) : r;
}

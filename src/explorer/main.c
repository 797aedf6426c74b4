/* SPDX-License-Identifier: Apache-2.0 */

/*
 * hublink-explorer - the service side as one program
 *
 * Reads the command line, finds out which hub is meant, and runs the command's row.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "explorer/commands.h"
#include "explorer/https.h"
#include "explorer/output.h"
#include "explorer/words.h"

/* What only its own owner could read in /proc is not left there either. */
static char *take_environment(void)
{
        char *value = getenv("HUBLINK_LOGIN");
        char *copy = value ? strdup(value) : NULL;

        if (value) {
                explicit_bzero(value, strlen(value));
                (void)unsetenv("HUBLINK_LOGIN");
        }
        return copy;
}

static int run(const Words *w)
{
        _cleanup_(secret_freep) char *environment = take_environment();
        LoginSources sources = {
                .login = words_value(w, "login"),
                .login_file = words_value(w, "login-file"),
                .devhub = words_value(w, "devhub"),
                .environment = environment,
                .ca_file = words_value(w, "ca"),
        };
        Explorer e = {
                .json = words_have(w, "json"),
                .quiet = words_have(w, "quiet"),
                .timeout_usec = EXPLORER_TIMEOUT_DEFAULT,
                .screen = screen_of_stdout(),
        };
        int r = words_time(w, "timeout", &e.timeout_usec);

        if (r != EXPLORER_OK)
                return r;
        if (e.timeout_usec == 0)
                return bad_usage("--timeout takes a time above 0");
        r = login_find(&sources, &e.login);
        if (r != EXPLORER_OK)
                return r;
        e.https = https_new();
        r = e.https ? w->command->run(&e, w) : out_of_memory();
        https_free(e.https);
        login_done(&e.login);
        return r;
}

int main(int argc, char **argv)
{
        Words words;
        int r = words_read(argc, argv, &words);

        if (r == EXPLORER_OK && words_have(&words, "help"))
                command_print_help(words.command);
        else if (r == EXPLORER_OK && words_have(&words, "version"))
                (void)puts("hublink-explorer " HUBLINK_VERSION);
        else if (r == EXPLORER_OK)
                r = run(&words);
        words_done(&words);
        if (r == EXPLORER_OK && fflush(stdout) != 0 && !output_is_unwanted()) {
                complain("standard output: %s", strerror(errno));
                r = EXPLORER_FAILED;
        }
        return r;
}

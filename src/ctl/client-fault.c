/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What goes wrong between hublinkctl and the daemon, in words, with the remedy and the exit code.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/visible.h"
#include "ctl/client-core.h"
#include "ctl/connection.h"
#include "ctl/denied.h"
#include "ctl/unit-look.h"

int client_not_running(const Client *c)
{
        _cleanup_(buffer_done) Buffer what = BUFFER_NULL, remedy = BUFFER_NULL;
        bool named = strcmp(c->address, "system") == 0 || strcmp(c->address, "session") == 0;
        UnitFate fate;

        if (unit_look(c->bus, c->address, &fate) && unit_fate_put(&what, &remedy, &fate) && buffer_error(&what) == 0 &&
            buffer_error(&remedy) == 0) {
                fprintf(stderr, "hublinkd is not running: %s.\nDo: %s\n", what.data, remedy.data);
                return CTL_NOT_RUNNING;
        }
        fprintf(stderr,
                "hublinkd is not running: nobody answers to " NAME " on %s%s.\n"
                "Start it: systemctl start hublinkd; if it does not stay: journalctl -u hublinkd -b\n",
                named ? "the bus of the " : "", c->address);
        return CTL_NOT_RUNNING;
}

int client_no_bus(const Client *c, int r)
{
        bool named = strcmp(c->address, "system") == 0 || strcmp(c->address, "session") == 0;

        if (r == -EINVAL) {
                fprintf(stderr,
                        "--bus: '%s' is neither system nor session nor a D-Bus address, such as unix:path=/run/bus.\n",
                        c->address);
                return CTL_USAGE;
        }
        fprintf(stderr, "hublinkd cannot be reached: the message bus %s%s does not answer: %s.\n%s\n",
                named ? "of the " : "", c->address,
                r == -ENOMEDIUM ? "nothing tells where it is" : strerror(-r),
                strcmp(c->address, "system") == 0    ? "See: systemctl status dbus" :
                strcmp(c->address, "session") == 0 ? "Is DBUS_SESSION_BUS_ADDRESS set, and the bus running?" :
                                                     "Does it run there?");
        return CTL_NOT_RUNNING;
}

static bool is_bus_gone(int r)
{
        return r == -ECONNRESET || r == -ENOTCONN || r == -ECONNREFUSED || r == -ECONNABORTED || r == -EPIPE;
}

/* Of a call that stores something: the daemon may do so although nobody waits any more. */
static bool stores(const char *what)
{
        return strcmp(what, "Submit") == 0 || strcmp(what, "SubmitMessage") == 0 || strcmp(what, "Requeue") == 0;
}

static const char *may_be_stored(const char *what)
{
        return stores(what) ? " It may still be stored." : "";
}

static int no_answer(const char *what)
{
        fprintf(stderr, "%s: no answer in time.%s\n", what, may_be_stored(what));
        return CTL_TIMEOUT;
}

int client_hangs(void)
{
        fprintf(stderr,
                "hublinkd hangs: it has its name on the bus, and did not answer within %" PRIu64 " s.\n"
                "See: systemctl status hublinkd; journalctl -u hublinkd -b. Start it anew: systemctl restart "
                "hublinkd\n",
                ANSWER_USEC / USEC_PER_SEC);
        return CTL_TIMEOUT;
}

bool client_is_timeout(const sd_bus_error *e, int r)
{
        return r == -ETIMEDOUT || sd_bus_error_has_name(e, SD_BUS_ERROR_TIMEOUT);
}

/* The daemon's words may name what came from elsewhere. */
static void print_error(const char *what, const char *words)
{
        _cleanup_(buffer_done) Buffer seen = BUFFER_NULL;

        visible_string(&seen, words);
        fprintf(stderr, "%s: %s\n", what, seen.data ?: "");
}

int client_failed(const Client *c, const char *what, const sd_bus_error *e, int r)
{
        if (connection_is_absent(e))
                return client_not_running(c);
        if (is_bus_gone(r) && !sd_bus_error_is_set(e))
                return client_no_bus(c, r);
        if (client_is_timeout(e, r) || sd_bus_error_has_name(e, NAME ".Error.Timeout"))
                return no_answer(what);
        if (sd_bus_error_has_name(e, SD_BUS_ERROR_NO_REPLY)) {
                fprintf(stderr, "%s: hublinkd left without an answer.%s See: systemctl status hublinkd\n",
                        what, may_be_stored(what));
                return CTL_NOT_RUNNING;
        }
        if (sd_bus_error_has_name(e, SD_BUS_ERROR_ACCESS_DENIED))
                print_denied();
        else
                print_error(what, e && e->message ? e->message : strerror(-r));
        return CTL_FAILED;
}

int client_unsendable(const char *what, int r)
{
        fprintf(stderr, "%s: this cannot be sent: %s.\n", what,
                r == -EINVAL ? "a text is not UTF-8" : strerror(-r));
        return CTL_FAILED;
}

int client_misunderstood(const char *what, int r)
{
        fprintf(stderr,
                "%s: the answer cannot be understood (%s). Do daemon and hublinkctl have the same "
                "version?\n",
                what, strerror(-r));
        return CTL_FAILED;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/connection.h"

#include <errno.h>
#include <string.h>

static int start_at(sd_bus **ret, const char *address)
{
        sd_bus *b = NULL;
        int r;

        if (!strchr(address, ':')) /* sd-bus would pass over what it does not know */
                return -EINVAL;
        if ((r = sd_bus_new(&b)) >= 0 && (r = sd_bus_set_address(b, address)) >= 0 &&
            (r = sd_bus_set_bus_client(b, 1)) >= 0 && (r = sd_bus_start(b)) >= 0) {
                *ret = b;
                return 0;
        }
        sd_bus_unref(b);
        return r;
}

static int start(sd_bus **ret, const char *address)
{
        if (strcmp(address, "system") == 0)
                return sd_bus_open_system(ret);
        if (strcmp(address, "session") == 0)
                return sd_bus_open_user(ret);
        return start_at(ret, address);
}

/* A socket may be there with nobody behind it: of a bus that hangs, or that systemd is to start on demand and does not.
 * sd-bus alone would wait 90 s for it. */
static int wait_until_ready(sd_bus *bus)
{
        usec_t until = usec_add(clock_boot(&clock_system), ANSWER_USEC);
        int r;

        while ((r = sd_bus_is_ready(bus)) == 0) {
                usec_t now = clock_boot(&clock_system);

                if (now >= until)
                        return -ETIMEDOUT;
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, until - now);
                if (r < 0 && r != -EINTR)
                        return r;
        }
        return r < 0 ? r : 0;
}

int connection_open(sd_bus **ret, const char *address)
{
        sd_bus *b = NULL;
        int r = start(&b, address);

        if (r < 0)
                return r;
        r = wait_until_ready(b);
        if (r == 0)
                r = sd_bus_set_method_call_timeout(b, ANSWER_USEC);
        if (r < 0)
                sd_bus_close_unref(b);
        else
                *ret = b;
        return r < 0 ? r : 0;
}

sd_bus *connection_close(sd_bus *bus)
{
        return sd_bus_flush_close_unref(bus);
}

int connection_new_call(sd_bus *bus, sd_bus_message **ret, const char *name, const char *path, const char *interface,
                        const char *member)
{
        sd_bus_message *m = NULL;
        int r = sd_bus_message_new_method_call(bus, &m, name, path, interface, member);

        if (r >= 0)
                r = sd_bus_message_set_auto_start(m, 0);
        if (r < 0)
                sd_bus_message_unref(m);
        else
                *ret = m;
        return r < 0 ? r : 0;
}

int connection_ping(sd_bus *bus, const char *name, sd_bus_error *error)
{
        sd_bus_message *m = NULL;
        int r = connection_new_call(bus, &m, name, "/", "org.freedesktop.DBus.Peer", "Ping");

        if (r >= 0)
                r = sd_bus_call(bus, m, 0, error, NULL);
        sd_bus_message_unref(m);
        return r < 0 ? r : 0;
}

bool connection_is_absent(const sd_bus_error *error)
{
        return sd_bus_error_has_names(error, SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER);
}

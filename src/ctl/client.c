/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/client-core.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/visible.h"
#include "ctl/connection.h"
#include "ctl/denied.h"
#include "ctl/unit-look.h"

/* ---- what goes wrong ---- */

static int not_running(const Client *c)
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

static int hangs(void)
{
        fprintf(stderr,
                "hublinkd hangs: it has its name on the bus, and did not answer within %" PRIu64 " s.\n"
                "See: systemctl status hublinkd; journalctl -u hublinkd -b. Start it anew: systemctl restart "
                "hublinkd\n",
                ANSWER_USEC / USEC_PER_SEC);
        return CTL_TIMEOUT;
}

static bool is_timeout(const sd_bus_error *e, int r)
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
                return not_running(c);
        if (is_bus_gone(r) && !sd_bus_error_is_set(e))
                return client_no_bus(c, r);
        if (is_timeout(e, r) || sd_bus_error_has_name(e, NAME ".Error.Timeout"))
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

/* A text that is not UTF-8, or a message over the bus's own limit. */
static int unsendable(const char *what, int r)
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

/* ---- life ---- */

int client_open(Client **ret, const char *address)
{
        _cleanup_(client_closep) Client *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return CTL_FAILED;
        c->address = address;
        r = connection_open(&c->bus, address);
        if (r < 0)
                return client_no_bus(c, r);
        *ret = TAKE_PTR(c);
        return CTL_OK;
}

Client *client_close(Client *c)
{
        if (c) {
                connection_close(c->bus);
                free(c);
        }
        return NULL;
}

/* ---- calls ---- */

/* Who answers to the bus may be at the disk, the hub or a local service for long; who does not, hangs. So this is asked
 * first, once. What else may be wrong the call itself tells. */
static int greet(Client *c)
{
        _cleanup_(sd_bus_error_free) sd_bus_error e = SD_BUS_ERROR_NULL;
        int r;

        if (c->greeted)
                return CTL_OK;
        r = connection_ping(c->bus, NAME, &e);
        if (r < 0 && is_timeout(&e, r))
                return hangs();
        if (r < 0 && connection_is_absent(&e))
                return not_running(c);
        c->greeted = true;
        return CTL_OK;
}

static int ask(Client *c, const char *what, sd_bus_message *m, usec_t timeout_usec, sd_bus_message **ret)
{
        _cleanup_(sd_bus_error_free) sd_bus_error e = SD_BUS_ERROR_NULL;
        int r = greet(c);

        if (r != CTL_OK)
                return r;
        r = sd_bus_call(c->bus, m, timeout_usec, &e, ret);
        return r < 0 ? client_failed(c, what, &e, r) : CTL_OK;
}

/* sd-bus knows 0 as the time of the connection. */
static int call(Client *c, sd_bus_message *m, usec_t timeout_usec, sd_bus_message **ret)
{
        return ask(c, sd_bus_message_get_member(m), m, MAX(timeout_usec, (usec_t)1), ret);
}

/* ---- questions ---- */

static int begin_status(Client *c, sd_bus_message **ret)
{
        int r = connection_new_call(c->bus, ret, NAME, ROOT, PROPERTIES, "GetAll");

        return r < 0 ? r : sd_bus_message_append(*ret, "s", MANAGER);
}

int client_status(Client *c, GatewayStatus *ret)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *answer = NULL;
        int r = begin_status(c, &m);

        if (r < 0)
                return unsendable("Status", r);
        r = ask(c, "Status", m, 0, &answer);
        if (r != CTL_OK)
                return r;
        r = gateway_status_read(ret, answer);
        if (r < 0)
                return client_misunderstood("Status", r);
        /* An older daemon has none of these. */
        (void)sd_bus_get_property_trivial(c->bus, NAME, ROOT, DEAD_LETTERS, "Count", NULL, 't', &ret->dead_letters);
        (void)sd_bus_get_property_trivial(c->bus, NAME, ROOT, INBOX, "Waiting", NULL, 'u', &ret->inbox_waiting);
        (void)sd_bus_get_property_trivial(c->bus, NAME, ROOT, INBOX, "Full", NULL, 'b', &ret->inbox_full);
        return CTL_OK;
}

bool client_try_status(Client *c, GatewayStatus *ret)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *answer = NULL;

        return begin_status(c, &m) >= 0 && sd_bus_call(c->bus, m, 0, NULL, &answer) >= 0 &&
               gateway_status_read(ret, answer) >= 0;
}

int client_sensors(Client *c, SensorList *ret)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *answer = NULL;
        int r = connection_new_call(c->bus, &m, NAME, ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects");

        if (r < 0)
                return unsendable("Sensors", r);
        r = ask(c, "Sensors", m, 0, &answer);
        if (r != CTL_OK)
                return r;
        r = sensor_list_read(ret, answer);
        return r < 0 ? client_misunderstood("Sensors", r) : CTL_OK;
}

/* ---- requests ---- */

static int begin(Client *c, const char *member, sd_bus_message **ret)
{
        return connection_new_call(c->bus, ret, NAME, ROOT, MANAGER, member);
}

static int append_value(sd_bus_message *m, const Value *v)
{
        switch (v->kind) {
        case VALUE_NUMBER:
                return sd_bus_message_append(m, "v", "d", v->number);
        case VALUE_INTEGER:
                return sd_bus_message_append(m, "v", "x", v->integer);
        case VALUE_BOOLEAN:
                return sd_bus_message_append(m, "v", "b", (int)v->boolean);
        case VALUE_TEXT:
                return sd_bus_message_append(m, "v", "s", v->text);
        case _VALUE_KIND_MAX:
                break;
        }
        return -EINVAL;
}

static int append_values(sd_bus_message *m, const Reading *reading)
{
        int r = sd_bus_message_open_container(m, 'a', "(svt)");

        for (size_t i = 0; r >= 0 && i < reading->n_channels; i++) {
                r = sd_bus_message_open_container(m, 'r', "svt");
                if (r >= 0)
                        r = sd_bus_message_append(m, "s", reading->channels[i].name);
                if (r >= 0)
                        r = append_value(m, &reading->channels[i].value);
                if (r >= 0)
                        r = sd_bus_message_append(m, "t", reading->wall_usec);
                if (r >= 0)
                        r = sd_bus_message_close_container(m);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* Those that are not NULL, ended by a NULL key. */
static int append_options(sd_bus_message *m, const char *const options[][2])
{
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        for (size_t i = 0; r >= 0 && options[i][0]; i++)
                if (options[i][1])
                        r = sd_bus_message_append(m, "{sv}", options[i][0], "s", options[i][1]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int client_submit(Client *c, const Reading *reading, const char *stream, usec_t timeout_usec, Receipt *ret)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *answer = NULL;
        const char *const options[][2] = {{"stream", stream}, {}};
        const char *name;
        int r;

        if ((r = begin(c, "Submit", &m)) < 0 || (r = sd_bus_message_append(m, "s", reading->sensor)) < 0 ||
            (r = append_values(m, reading)) < 0 || (r = append_options(m, options)) < 0)
                return unsendable("Submit", r);
        r = call(c, m, timeout_usec, &answer);
        if (r != CTL_OK)
                return r;
        r = sd_bus_message_read(answer, "sttt", &name, &ret->epoch, &ret->first, &ret->last);
        if (r < 0)
                return client_misunderstood("Submit", r);
        (void)snprintf(ret->stream, sizeof(ret->stream), "%s", name);
        return CTL_OK;
}

static int append_message(sd_bus_message *m, const Message *message)
{
        int r;

        if ((r = sd_bus_message_append_array(m, 'y', message->body.data, message->body.size)) < 0 ||
            (r = sd_bus_message_append(m, "s", message->content_type)) < 0 ||
            (r = sd_bus_message_open_container(m, 'a', "{ss}")) < 0)
                return r;
        for (size_t i = 0; r >= 0 && i < message->n_properties; i++)
                r = sd_bus_message_append(m, "{ss}", message->properties[i].name,
                                          message->properties[i].value);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int client_submit_message(Client *c, const Message *message, const char *stream, usec_t timeout_usec,
                          Receipt *ret)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *answer = NULL;
        const char *const options[][2] = {{"stream", stream}, {}};
        const char *name;
        int r;

        if ((r = begin(c, "SubmitMessage", &m)) < 0 || (r = append_message(m, message)) < 0 ||
            (r = append_options(m, options)) < 0)
                return unsendable("SubmitMessage", r);
        r = call(c, m, timeout_usec, &answer);
        if (r != CTL_OK)
                return r;
        r = sd_bus_message_read(answer, "stt", &name, &ret->epoch, &ret->first);
        if (r < 0)
                return client_misunderstood("SubmitMessage", r);
        ret->last = ret->first;
        (void)snprintf(ret->stream, sizeof(ret->stream), "%s", name);
        return CTL_OK;
}

int client_call(Client *c, const char *member, usec_t timeout_usec)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r = begin(c, member, &m);

        return r < 0 ? unsendable(member, r) : call(c, m, timeout_usec, NULL);
}

static int request(Client *c, const char *interface, const char *member, usec_t timeout_usec, sd_bus_message **ret,
                   const char *types, va_list ap)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r = connection_new_call(c->bus, &m, NAME, ROOT, interface, member);

        if (r >= 0)
                r = sd_bus_message_appendv(m, types, ap);
        return r < 0 ? unsendable(member, r) : call(c, m, timeout_usec, ret);
}

int client_ask(Client *c, const char *interface, const char *member, sd_bus_message **ret, const char *types, ...)
{
        va_list ap;
        int r;

        va_start(ap, types);
        r = request(c, interface, member, USEC_PER_MIN, ret, types, ap);
        va_end(ap);
        return r;
}

int client_request(Client *c, const char *interface, const char *member, usec_t timeout_usec, sd_bus_message **ret,
                   const char *types, ...)
{
        va_list ap;
        int r;

        va_start(ap, types);
        r = request(c, interface, member, timeout_usec, ret, types, ap);
        va_end(ap);
        return r;
}

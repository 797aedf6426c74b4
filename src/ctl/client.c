/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/client-core.h"

#include <errno.h>
#include <stdio.h>

#include "ctl/connection.h"

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

bool client_try_open(Client **ret, const char *address)
{
        _cleanup_(client_closep) Client *c = calloc(1, sizeof(*c));

        if (!c || connection_open(&c->bus, address) < 0)
                return false;
        c->address = address;
        *ret = TAKE_PTR(c);
        return true;
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
        if (r < 0 && client_is_timeout(&e, r))
                return client_hangs();
        if (r < 0 && connection_is_absent(&e))
                return client_not_running(c);
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
                return client_unsendable("Status", r);
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
                return client_unsendable("Sensors", r);
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
                return client_unsendable("Submit", r);
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
                return client_unsendable("SubmitMessage", r);
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

        return r < 0 ? client_unsendable(member, r) : call(c, m, timeout_usec, NULL);
}

static int request(Client *c, const char *interface, const char *member, usec_t timeout_usec, sd_bus_message **ret,
                   const char *types, va_list ap)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r = connection_new_call(c->bus, &m, NAME, ROOT, interface, member);

        if (r >= 0)
                r = sd_bus_message_appendv(m, types, ap);
        return r < 0 ? client_unsendable(member, r) : call(c, m, timeout_usec, ret);
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

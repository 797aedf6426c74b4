/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/twin-answers.h"

#include <string.h>
#include <systemd/sd-bus.h>

#include "base/json.h"
#include "base/visible.h"

#define INTERFACE "org.hublink1.Twin"

/* ---- the properties ---- */

static void add_owner(TwinState *s, const char *section, const char *user)
{
        buffer_append_string(&s->owners, s->owners.size > 0 ? ", " : "");
        visible_text(&s->owners, section, strlen(section));
        buffer_append_char(&s->owners, ' ');
        visible_text(&s->owners, *user ? user : "hublinkd", strlen(*user ? user : "hublinkd"));
        buffer_append_string(&s->owners_json, s->owners_json.size > 1 ? "," : "");
        json_string(&s->owners_json, section);
        buffer_append_char(&s->owners_json, ':');
        json_string(&s->owners_json, user);
}

static int read_owners(sd_bus_message *m, TwinState *s)
{
        const char *section, *user;
        int r;

        if ((r = sd_bus_message_enter_container(m, 'v', "a{ss}")) < 0 ||
            (r = sd_bus_message_enter_container(m, 'a', "{ss}")) < 0)
                return r;
        while ((r = sd_bus_message_read(m, "{ss}", &section, &user)) > 0)
                add_owner(s, section, user);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_one(sd_bus_message *m, TwinState *s, const char *name)
{
        const struct {
                const char *name;
                uint64_t *member;
        } numbers[] = {
                {"DesiredVersion", &s->desired_version}, {"ReportedVersion", &s->reported_version},
                {"LastDesired", &s->last_desired},       {"LastReported", &s->last_reported},
                {"PendingBytes", &s->pending_bytes},     {"Reports", &s->reports},
                {"Refused", &s->refused},
        };
        int known, r;

        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
                if (strcmp(numbers[i].name, name) == 0)
                        return sd_bus_message_read(m, "v", "t", numbers[i].member);
        if (strcmp(name, "LastError") == 0)
                return sd_bus_message_read(m, "v", "s", &s->last_error);
        if (strcmp(name, "Owners") == 0)
                return read_owners(m, s);
        if (strcmp(name, "Known") != 0)
                return sd_bus_message_skip(m, "v");
        r = sd_bus_message_read(m, "v", "b", &known);
        if (r >= 0)
                s->known = known;
        return r;
}

static int read_state(sd_bus_message *m, TwinState *s)
{
        const char *name;
        int r = sd_bus_message_enter_container(m, 'a', "{sv}");

        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0)
                if ((r = sd_bus_message_read(m, "s", &name)) >= 0 && (r = read_one(m, s, name)) >= 0)
                        r = sd_bus_message_exit_container(m);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

int twin_ask_state(Client *c, TwinState *ret)
{
        int r = client_ask(c, "org.freedesktop.DBus.Properties", "GetAll", &ret->message, "s", INTERFACE);

        if (r != CTL_OK)
                return r;
        ret->last_error = "";
        buffer_append_char(&ret->owners_json, '{');
        r = read_state(ret->message, ret);
        buffer_append_char(&ret->owners_json, '}');
        return r < 0 ? client_misunderstood("Twin", r) : CTL_OK;
}

void twin_state_done(TwinState *s)
{
        sd_bus_message_unref(s->message);
        buffer_done(&s->owners);
        buffer_done(&s->owners_json);
        *s = (TwinState){};
}

/* ---- the halves ---- */

int twin_ask_half(Client *c, const char *member, const char *section, TwinText *ret)
{
        int r = client_ask(c, INTERFACE, member, &ret->message, "s", section);

        if (r != CTL_OK)
                return r;
        r = sd_bus_message_read(ret->message, "s", &ret->json);
        return r < 0 ? client_misunderstood(member, r) : CTL_OK;
}

void twin_text_done(TwinText *t)
{
        sd_bus_message_unref(t->message);
        *t = (TwinText){};
}

int twin_tell_report(Client *c, const char *section, const char *json)
{
        return client_ask(c, INTERFACE, "Report", NULL, "ss", section, json);
}

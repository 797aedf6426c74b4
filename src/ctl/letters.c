/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/letters.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

#define INTERFACE "org.hublink1.DeadLetters"
#define LETTER    "tsttssstt"

/* 0: there is none. */
static int read_letter(sd_bus_message *m, Letter *ret)
{
        return sd_bus_message_read(m, "(" LETTER ")", &ret->id, &ret->stream, &ret->epoch, &ret->n, &ret->reason,
                                   &ret->detail, &ret->kind, &ret->size, &ret->time);
}

/* ---- all ---- */

static int add_letter(LetterList *l, const Letter *letter)
{
        Letter *more = reallocarray(l->letters, l->n_letters + 1, sizeof(*more));

        if (!more)
                return -ENOMEM;
        l->letters = more;
        l->letters[l->n_letters++] = *letter;
        return 0;
}

int letters_list(Client *c, LetterList *ret)
{
        Letter letter;
        int r = client_ask(c, INTERFACE, "List", &ret->message, "");

        if (r != CTL_OK)
                return r;
        r = sd_bus_message_enter_container(ret->message, 'a', "(" LETTER ")");
        while (r >= 0 && (r = read_letter(ret->message, &letter)) > 0)
                r = add_letter(ret, &letter);
        return r < 0 ? client_misunderstood("List", r) : CTL_OK;
}

void letter_list_done(LetterList *l)
{
        free(l->letters);
        sd_bus_message_unref(l->message);
        *l = (LetterList){};
}

/* ---- one ---- */

static int read_values(sd_bus_message *m, LetterContent *l)
{
        int r;

        if ((r = sd_bus_message_enter_container(m, 'v', "a{sv}")) < 0 ||
            (r = sd_bus_message_enter_container(m, 'a', "{sv}")) < 0)
                return r;
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                Channel value;

                if ((r = sd_bus_message_read(m, "s", &value.name)) < 0 || (r = answer_read_value(m, &value.value)) < 0)
                        return r;
                if (l->n_values < READING_CHANNELS_MAX)
                        l->values[l->n_values++] = value;
                r = sd_bus_message_exit_container(m);
        }
        if (r < 0 || (r = sd_bus_message_exit_container(m)) < 0)
                return r;
        return sd_bus_message_exit_container(m);
}

static int read_properties(sd_bus_message *m, LetterContent *l)
{
        Property p;
        int r;

        if ((r = sd_bus_message_enter_container(m, 'v', "a{ss}")) < 0 ||
            (r = sd_bus_message_enter_container(m, 'a', "{ss}")) < 0)
                return r;
        while (r >= 0 && (r = sd_bus_message_read(m, "{ss}", &p.name, &p.value)) > 0) {
                Property *more = reallocarray(l->properties, l->n_properties + 1, sizeof(*more));

                if (!more)
                        return -ENOMEM;
                l->properties = more;
                l->properties[l->n_properties++] = p;
        }
        if (r < 0 || (r = sd_bus_message_exit_container(m)) < 0)
                return r;
        return sd_bus_message_exit_container(m);
}

static int read_bytes(sd_bus_message *m, LetterContent *l)
{
        int r;

        if ((r = sd_bus_message_enter_container(m, 'v', "ay")) < 0 ||
            (r = sd_bus_message_read_array(m, 'y', &l->body, &l->n_body)) < 0)
                return r;
        return sd_bus_message_exit_container(m);
}

/* A part that we do not know is of a newer daemon. */
static int read_part(sd_bus_message *m, const char *key, LetterContent *l)
{
        const struct {
                const char *key, *type;
                void *to;
        } plain[] = {
                {"sensor", "s", &l->sensor},
                {"quality", "s", &l->quality},
                {"time", "t", &l->reading_time},
                {"time_trusted", "b", &l->time_trusted},
                {"content_type", "s", &l->content_type},
                {"content_encoding", "s", &l->content_encoding},
                {"correlation_id", "s", &l->correlation_id},
        };

        for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
                if (strcmp(plain[i].key, key) == 0)
                        return sd_bus_message_read(m, "v", plain[i].type, plain[i].to);
        if (strcmp(key, "values") == 0)
                return read_values(m, l);
        if (strcmp(key, "properties") == 0)
                return read_properties(m, l);
        if (strcmp(key, "body") == 0 || strcmp(key, "record") == 0)
                return read_bytes(m, l);
        return sd_bus_message_skip(m, "v");
}

static int read_content(sd_bus_message *m, LetterContent *l)
{
        const char *key;
        int r;

        r = read_letter(m, &l->letter);
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                if ((r = sd_bus_message_read(m, "s", &key)) < 0 || (r = read_part(m, key, l)) < 0)
                        return r;
                r = sd_bus_message_exit_container(m);
        }
        return r;
}

int letters_get(Client *c, uint64_t id, LetterContent *ret)
{
        int r;

        *ret = (LetterContent){
                .quality = "", .content_type = "", .content_encoding = "", .correlation_id = "", .body = ""};
        r = client_ask(c, INTERFACE, "Get", &ret->message, "t", id);
        if (r != CTL_OK)
                return r;
        r = read_content(ret->message, ret);
        return r < 0 ? client_misunderstood("Get", r) : CTL_OK;
}

void letter_content_done(LetterContent *l)
{
        free(l->properties);
        sd_bus_message_unref(l->message);
        *l = (LetterContent){};
}

/* ---- what becomes of it ---- */

int letters_requeue(Client *c, uint64_t id, Receipt *ret)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        const char *stream;
        int r = client_ask(c, INTERFACE, "Requeue", &m, "t", id);

        if (r != CTL_OK)
                return r;
        r = sd_bus_message_read(m, "stt", &stream, &ret->epoch, &ret->first);
        if (r < 0)
                return client_misunderstood("Requeue", r);
        (void)snprintf(ret->stream, sizeof(ret->stream), "%s", stream);
        ret->last = ret->first;
        return CTL_OK;
}

int letters_delete(Client *c, uint64_t id)
{
        return client_ask(c, INTERFACE, "Delete", NULL, "t", id);
}

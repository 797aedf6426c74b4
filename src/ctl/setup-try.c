/* SPDX-License-Identifier: Apache-2.0 */

/* hublinkd starts with what was stored; the hub's answer is the test of it. */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl/advice.h"
#include "ctl/setup.h"
#include "ctl/unit.h"
#include "model/link.h"

#define LOOK_USEC (200 * USEC_PER_MSEC)

typedef enum Verdict {
        VERDICT_OPEN,
        VERDICT_CONNECTED,
        VERDICT_WRONG, /* and time does not mend it */
} Verdict;

static bool reason_is(const GatewayStatus *s, LinkReason reason)
{
        return strcmp(s->link_reason, link_reason_to_string(reason)) == 0;
}

static Verdict judge(const GatewayStatus *s)
{
        static const LinkReason wrong[] = {LINK_REASON_NO_CREDENTIAL, LINK_REASON_CREDENTIAL, LINK_REASON_PROVISIONING,
                                           LINK_REASON_TLS_UNTRUSTED, LINK_REASON_TLS_HOSTNAME};

        if (strcmp(s->link_state, link_state_to_string(LINK_CONNECTED)) == 0)
                return VERDICT_CONNECTED;
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
                if (reason_is(s, wrong[i]))
                        return VERDICT_WRONG;
        return VERDICT_OPEN;
}

static void rest(void)
{
        struct timespec t = {.tv_nsec = LOOK_USEC * 1000};

        (void)nanosleep(&t, NULL);
}

bool setup_stays(SetupTerms terms, int result)
{
        switch (terms) {
        case SETUP_STAYS:
                return true;
        case SETUP_STAYS_UNLESS_WRONG:
                return result != CTL_FAILED;
        case SETUP_STAYS_CONNECTED:
                return result == CTL_OK;
        }
        return true;
}

bool setup_is_ended(const SetupWays *ways)
{
        sigset_t came;

        return sigpending(&came) == 0 && sigandset(&came, &came, &ways->ends) == 0 && !sigisemptyset(&came);
}

static int tell(const SetupWays *ways, const GatewayStatus *s, Verdict verdict, SetupTerms terms)
{
        int r = verdict == VERDICT_CONNECTED ? CTL_OK : verdict == VERDICT_WRONG ? CTL_FAILED : CTL_TIMEOUT;
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        if (ways->options->json)
                buffer_printf(&b, "{\"link_state\":\"%s\",\"link_reason\":\"%s\"}", s->link_state, s->link_reason);
        else
                (void)advice_put_link(&b, s, NULL, clock_wall(&clock_system));
        buffer_append_char(&b, '\n');
        if (print_buffer(&b) != CTL_OK && r == CTL_OK)
                return CTL_FAILED;
        if (verdict != VERDICT_CONNECTED && setup_stays(terms, r)) {
                setup_say(ways, "The credential stays stored, and hublinkd goes on trying. hublinkctl status tells how "
                                "it stands.\n");
                if (setup_is_aside(ways))
                        setup_say(ways, "The earlier one is kept until a later one has connected: hublinkctl setup "
                                        "--back goes back to it.\n");
        }
        return r;
}

static int watch(const SetupWays *ways, Client *client, SetupTerms terms, bool *ret_connected)
{
        usec_t until = usec_add(clock_boot(&clock_system), ways->timeout);

        while (!setup_is_ended(ways)) {
                bool last = clock_boot(&clock_system) >= until;
                _cleanup_(gateway_status_done) GatewayStatus s = {};
                Verdict verdict = VERDICT_OPEN;

                if (client_try_status(client, &s)) {
                        verdict = judge(&s);
                        *ret_connected = verdict == VERDICT_CONNECTED;
                        if (verdict != VERDICT_OPEN || last)
                                return tell(ways, &s, verdict, terms);
                } else if (last)
                        return client_status(client, &s) == CTL_OK ? CTL_TIMEOUT : CTL_NOT_RUNNING;
                rest();
        }
        return CTL_FAILED;
}

/* ---- what is to be tried against ---- */

SetupLink setup_link(const SetupWays *ways)
{
        _cleanup_(client_closep) Client *client = NULL;
        _cleanup_(gateway_status_done) GatewayStatus s = {};

        if (*ways->root || !client_try_open(&client, ways->options->bus) || !client_try_status(client, &s))
                return SETUP_LINK_NONE;
        switch (judge(&s)) {
        case VERDICT_CONNECTED:
                return SETUP_LINK_UP;
        case VERDICT_WRONG:
                return SETUP_LINK_WRONG;
        default:
                return s.last_acknowledged > 0 ? SETUP_LINK_ONCE : SETUP_LINK_NONE;
        }
}

/* ---- systemd ---- */

static int restart(Client *client, const sigset_t *ends)
{
        int r = unit_reload_files(client);

        if (r == CTL_OK)
                r = unit_enable(client);
        return r == CTL_OK ? unit_do(client, "RestartUnit", ends) : r;
}

int setup_restart(const SetupWays *ways)
{
        _cleanup_(client_closep) Client *client = NULL;
        int r = client_open(&client, ways->options->bus);

        return r == CTL_OK ? restart(client, NULL) : r;
}

int setup_try(const SetupWays *ways, SetupTerms terms, bool *ret_connected)
{
        _cleanup_(client_closep) Client *client = NULL;
        int r;

        if (*ways->root) {
                setup_say(ways, "hublinkd of that machine tries it when it starts.\n");
                return CTL_OK;
        }
        if (ways->no_start) {
                setup_say(ways, "Nothing was started. systemctl daemon-reload, systemctl enable hublinkd, then "
                                "systemctl restart hublinkd does it.\n");
                return CTL_OK;
        }
        if ((r = client_open(&client, ways->options->bus)) != CTL_OK || (r = restart(client, &ways->ends)) != CTL_OK)
                return r;
        setup_say(ways, "hublinkd has started, and will with this machine. What the hub says to it:\n");
        return watch(ways, client, terms, ret_connected);
}

int setup_take_over(const SetupWays *ways)
{
        _cleanup_(client_closep) Client *client = NULL;
        int r;

        if (*ways->root || ways->no_start)
                return CTL_OK;
        if ((r = client_open(&client, ways->options->bus)) != CTL_OK || (r = unit_reload_files(client)) != CTL_OK ||
            (r = unit_do(client, "TryRestartUnit", NULL)) != CTL_OK)
                return r;
        setup_say(ways, "hublinkd was restarted where it ran.\n");
        return CTL_OK;
}

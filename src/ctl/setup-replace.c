/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A new credential in the place of an earlier one, which comes back where the new one does not do.
 *
 * A gateway may be far away, and its link the way to it: where the earlier credential has connected, if only once, and
 * the hub does not refuse it by now, the new one has to connect too, within the time that is given. The link of this
 * very moment tells too little: hublinkd may have been restarted just now. Where the earlier one never did, the new one
 * goes only if something is wrong with it that time does not mend.
 *
 * Signals that would end us are held back meanwhile: they end the try, the earlier one is put back, and then they have
 * their way. Nor does it end us that nobody reads what we say any more, as when a connection without a terminal breaks.
 * For who is killed, or has no power, the earlier one lies on the disk until a later one has connected. What never had
 * a link does not take the place there of one that had.
 */

#include <stdio.h>
#include <string.h>

#include "ctl/setup.h"

/* ---- signals ---- */

static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

/* One that is held back is pending even where it is ignored: those are left out. */
static void hold(SetupWays *ways)
{
        (void)sigemptyset(&ways->ends);
        for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
                struct sigaction action;

                if (sigaction(ends[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
                        (void)sigaddset(&ways->ends, ends[i]);
        }
        ways->held = true;
        (void)sigprocmask(SIG_BLOCK, &ways->ends, &ways->mask);
        (void)sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, &ways->pipe);
}

void setup_release(SetupWays *ways)
{
        if (!ways->held)
                return;
        ways->held = false;
        (void)sigaction(SIGPIPE, &ways->pipe, NULL);
        (void)sigprocmask(SIG_SETMASK, &ways->mask, NULL);
        (void)sigemptyset(&ways->ends);
}

/* ---- back to the earlier one ---- */

static int go_back(const SetupWays *ways, const SetupKept *kept, const char *which)
{
        bool changed = false, running = !*ways->root && !ways->no_start;
        int r;

        if (setup_is_ended(ways))
                fprintf(stderr, "It is interrupted.\n");
        r = setup_put_back(ways, kept, &changed);
        if (r != CTL_OK || !changed)
                return r;
        running = running && setup_restart(ways) == CTL_OK;
        fprintf(stderr, "%s is in its place again%s.\n", which, running ? ", and hublinkd has started with it" : "");
        return CTL_OK;
}

/* A tree that is made has no daemon that could tell, and keeps no secret but its own. */
static bool is_to_be_set_aside(const SetupWays *ways, const SetupKept *kept, bool connected)
{
        return kept->whole && !*ways->root && (connected || !setup_is_aside(ways));
}

static SetupTerms find_terms(const SetupWays *ways, const SetupKept *kept, bool connected)
{
        if (!kept->whole)
                return SETUP_STAYS;
        return connected && setup_link(ways) != SETUP_LINK_WRONG ? SETUP_STAYS_CONNECTED : SETUP_STAYS_UNLESS_WRONG;
}

#define EARLIER "Nothing of the new one stays: the credential of the earlier setup"

/* With the signals held back. */
static int replace(const SetupWays *ways, const Access *a, const SetupKept *kept, bool *ret_connected)
{
        bool connected = kept->whole && setup_has_connected(ways);
        bool aside = is_to_be_set_aside(ways, kept, connected), back, stored;
        SetupTerms terms = find_terms(ways, kept, connected);
        int r = aside ? setup_set_aside(ways, kept) : CTL_OK;

        if (r != CTL_OK) {
                (void)setup_drop_aside(ways);
                fprintf(stderr, "The earlier credential cannot be kept. Nothing was stored.\n");
                return r;
        }
        r = setup_store(ways, a);
        stored = r == CTL_OK;
        if (stored)
                r = setup_try(ways, terms, ret_connected);
        back = !*ret_connected && kept->whole && (setup_is_ended(ways) || !setup_stays(terms, r));
        if (*ret_connected || (back && go_back(ways, kept, EARLIER) == CTL_OK && aside))
                (void)setup_drop_aside(ways);
        if (back && r == CTL_TIMEOUT)
                fprintf(stderr, "Where the new one cannot connect yet: a longer --timeout, or --no-start, which stores "
                                "it without asking the hub.\n");
        if (!back && stored && !*ret_connected && setup_is_ended(ways))
                fprintf(stderr, "It is interrupted. The credential stays stored.\n");
        return r;
}

int setup_replace(SetupWays *ways, const Access *a, bool *ret_connected)
{
        SetupKept kept;
        int r = setup_check(ways, a);

        *ret_connected = false;
        if (r == CTL_OK)
                r = setup_check_rivals(ways, a);
        if (r != CTL_OK)
                return r;
        setup_keep(ways, &kept);
        hold(ways);
        r = replace(ways, a, &kept, ret_connected);
        setup_kept_done(&kept);
        return r;
}

/* ---- ... by hand ---- */

/* The one that has connected is on the disk at any time, in the one place or the other. */
static int store_earlier(const SetupWays *ways, const SetupKept *earlier, const SetupKept *present, bool connected)
{
        bool changed = false;
        int r = connected ? setup_set_aside(ways, present) : CTL_OK;

        if (r == CTL_OK)
                r = setup_put_back(ways, earlier, &changed);
        return r == CTL_OK && !connected && present->whole ? setup_set_aside(ways, present) : r;
}

/* With the signals held back. */
static int exchange(const SetupWays *ways, const SetupKept *earlier, const SetupKept *present)
{
        bool had_connected = present->whole && setup_has_connected(ways), connected = false;
        SetupTerms terms = had_connected ? SETUP_STAYS_CONNECTED : SETUP_STAYS;
        int r = store_earlier(ways, earlier, present, had_connected);
        bool stored = r == CTL_OK;

        if (stored) {
                setup_say(ways, "The earlier credential is in its place again.\n");
                r = setup_try(ways, terms, &connected);
        }
        if (connected)
                (void)setup_drop_aside(ways);
        else if (present->whole && (!stored || setup_is_ended(ways) || !setup_stays(terms, r)) &&
                 go_back(ways, present, "The credential that was stored") == CTL_OK)
                (void)setup_set_aside(ways, earlier);
        return r;
}

int setup_back(SetupWays *ways)
{
        SetupKept earlier, present;
        int r = CTL_FAILED;

        setup_keep_aside(ways, &earlier);
        setup_keep(ways, &present);
        if (earlier.whole) {
                hold(ways);
                r = exchange(ways, &earlier, &present);
        } else {
                fprintf(stderr, "There is no earlier credential to go back to.\n");
        }
        setup_kept_done(&earlier);
        setup_kept_done(&present);
        return r;
}

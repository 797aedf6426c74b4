/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/cli/serve-words.h"

#include <strings.h>

#include "base/quantity.h"
#include "devhub/cli/usage.h"

static int check_linked_hubs(const ServerSettings *s)
{
        const LinkedHubs *hubs = &s->linked_hubs;

        for (size_t i = 0; i < hubs->n; i++) {
                if (strcasecmp(hubs->all[i].host, s->host) == 0)
                        return usage_complain("--linked-hub %s is this hub itself: it is always assigned to", s->host);
                for (size_t k = 0; k < i; k++)
                        if (strcasecmp(hubs->all[i].host, hubs->all[k].host) == 0)
                                return usage_complain("--linked-hub %s is given twice", hubs->all[i].host);
        }
        return 0;
}

int serve_words_take_tier(ServerSettings *s, const char *value)
{
        Tier tier = tier_from_string(value);

        if (tier == _TIER_INVALID)
                return usage_complain("--tier takes F1, S1, S2 or S3, not '%s'", value);
        s->tier = tier;
        return 0;
}

int serve_words_take_c2d_ttl(ServerSettings *s, const char *value)
{
        usec_t time;

        if (quantity_parse_time(value, &time) < 0 || time < MAIL_TIME_TO_LIVE_MIN || time > MAIL_TIME_TO_LIVE_MAX)
                return usage_complain("--c2d-ttl takes a time from 1min to 2d, not '%s'", value);
        s->mail.time_to_live_usec = time;
        return 0;
}

static int check_units(ServerSettings *s)
{
        unsigned most;

        if (s->tier == TIER_NONE)
                return s->units > 0 ? usage_complain("--units needs --tier") : 0;
        most = tier_units_max(s->tier);
        if (s->units > most)
                return usage_complain("%s has %u unit%s at most", tier_to_string(s->tier), most, most > 1 ? "s" : "");
        if (s->units == 0)
                s->units = 1;
        return 0;
}

int serve_words_check(ServerSettings *s)
{
        int r = check_linked_hubs(s);

        return r < 0 ? r : check_units(s);
}

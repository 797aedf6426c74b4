/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/rules-again.h"

#include <stdio.h>
#include <string.h>

void rule_again_note(RuleAgain *a, const Reading *reading, uint64_t refused)
{
        *a = (RuleAgain){};
        if (!reading->source || refused == 0)
                return;
        a->serial = reading->position.serial;
        a->place = reading->position.place;
        a->channels = refused;
        (void)snprintf(a->source, sizeof(a->source), "%s", reading->source);
}

uint64_t rule_again_channels(const RuleAgain *a, const Reading *reading)
{
        if (!reading->source || a->serial == 0 || a->serial != reading->position.serial ||
            a->place != reading->position.place || strcmp(a->source, reading->source) != 0)
                return UINT64_MAX;
        return a->channels;
}

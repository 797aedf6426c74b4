/* SPDX-License-Identifier: Apache-2.0 */
#include "model/ledger.h"

#include <stddef.h>

static const char *const outcome_names[_OUTCOME_MAX] = {
        [OUTCOME_ACKNOWLEDGED] = "acknowledged",
        [OUTCOME_QUEUE_FULL] = "queue-full",
        [OUTCOME_AGE] = "age",
        [OUTCOME_FREE_SPACE] = "free-space",
        [OUTCOME_EXPIRED] = "expired",
        [OUTCOME_DAMAGED] = "damaged",
        [OUTCOME_DISK] = "disk",
        [OUTCOME_TOO_LARGE] = "too-large",
        [OUTCOME_BAD_PROPERTY] = "bad-property",
        [OUTCOME_BREAKS_LINK] = "breaks-link",
};

static const char *const refusal_names[_REFUSAL_MAX] = {
        [REFUSAL_MALFORMED] = "malformed", [REFUSAL_TOO_LONG] = "too-long",
        [REFUSAL_RATE] = "rate",           [REFUSAL_OVERLOAD] = "overload",
        [REFUSAL_UNREADABLE] = "unreadable", [REFUSAL_RANGE] = "range",
        [REFUSAL_NAN] = "nan",
};

const char *outcome_to_string(Outcome outcome)
{
        return outcome >= 0 && outcome < _OUTCOME_MAX ? outcome_names[outcome] : NULL;
}

const char *refusal_to_string(Refusal refusal)
{
        return refusal >= 0 && refusal < _REFUSAL_MAX ? refusal_names[refusal] : NULL;
}

static uint64_t sum_where(const Ledger *l, bool (*where)(Outcome))
{
        uint64_t sum = 0;

        for (int o = 0; o < _OUTCOME_MAX; o++)
                if (where((Outcome)o))
                        sum += l->settled[o];
        return sum;
}

uint64_t ledger_dropped(const Ledger *l)
{
        return sum_where(l, outcome_is_drop);
}

uint64_t ledger_dead_lettered(const Ledger *l)
{
        return sum_where(l, outcome_is_dead_letter);
}

uint64_t ledger_waiting(const Ledger *l)
{
        return l->accepted - l->settled[OUTCOME_ACKNOWLEDGED] - ledger_dropped(l) - ledger_dead_lettered(l);
}

void ledger_add(Ledger *sum, const Ledger *l)
{
        sum->accepted += l->accepted;
        for (size_t o = 0; o < _OUTCOME_MAX; o++)
                sum->settled[o] += l->settled[o];
}

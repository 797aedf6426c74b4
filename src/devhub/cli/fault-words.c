/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/cli/fault-words.h"

#include <string.h>

#include "base/nearest.h"
#include "devhub/cli/usage.h"
#include "devhub/hub/identity.h"

static const struct {
        unsigned trait;
        const char *option;
} options[] = {
        {FAULT_DEVICE, "--device"}, {FAULT_FOR, "--for"},     {FAULT_COUNT, "--count"},   {FAULT_CODE, "--code"},
        {FAULT_DELAY, "--delay"},   {FAULT_MATCH, "--match"}, {FAULT_OFFSET, "--offset"}, {FAULT_HUB, "--hub"},
};

int fault_words_kind(const char *name, FaultKind *ret)
{
        Nearest nearest = nearest_begin(name);

        *ret = fault_kind_from_string(name);
        if (*ret != _FAULT_KIND_INVALID)
                return 0;
        for (int i = 0; i < _FAULT_KIND_MAX; i++)
                nearest_offer(&nearest, fault_kind_to_string((FaultKind)i));
        return nearest.found ? usage_complain("unknown fault '%s', did you mean '%s'?", name, nearest.found)
                             : usage_complain("unknown fault '%s'", name);
}

static const char *first_option(unsigned traits)
{
        for (size_t i = 0; i < ARRAY_SIZE(options); i++)
                if (traits & options[i].trait)
                        return options[i].option;
        return "";
}

static void list_options(unsigned traits, Buffer *b)
{
        size_t left = 0;

        for (size_t i = 0; i < ARRAY_SIZE(options); i++)
                left += (traits & options[i].trait) != 0;
        for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
                if (!(traits & options[i].trait))
                        continue;
                buffer_append_string(b, options[i].option);
                left--;
                buffer_append_string(b, left > 1 ? ", " : left == 1 ? " and " : "");
        }
}

static int not_for_this(FaultKind kind, unsigned odd)
{
        _cleanup_(buffer_done) Buffer takes = BUFFER_NULL;

        if (odd & FAULT_DEVICE)
                return usage_complain("%s strikes before a device has said its name: leave out --device",
                                      fault_kind_to_string(kind));
        list_options(fault_kind_traits(kind), &takes);
        return usage_complain("%s has no use for %s: it takes %s", fault_kind_to_string(kind), first_option(odd),
                              takes.size > 0 ? takes.data : "");
}

int fault_words_check(const Arguments *a, unsigned given)
{
        FaultKind kind;
        unsigned odd;
        int r = fault_words_kind(a->operand, &kind);

        if (r < 0)
                return r;
        odd = given & ~fault_kind_traits(kind);
        if (odd)
                return not_for_this(kind, odd);
        if (a->device_id && strchr(a->device_id, '/'))
                return usage_complain("--device takes a device, whose modules are struck with it, not '%s'",
                                      a->device_id);
        if (a->device_id && !identity_id_is_valid(a->device_id))
                return usage_complain("--device takes the id of a device, not '%s'", a->device_id);
        if (kind == FAULT_CLOCK_OFFSET && a->offset_usec == 0)
                return usage_complain("clock-offset needs --offset, such as +1h or -10min");
        return 0;
}

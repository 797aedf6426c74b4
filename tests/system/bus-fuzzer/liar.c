/* SPDX-License-Identifier: Apache-2.0 */
#include "liar.h"

#include <string.h>

#include "base/macro.h"

#define HUGE_MAX (2 * 1024 * 1024)

static void say(sd_bus_message *invoke, int status, const char *json)
{
        (void)sd_bus_reply_method_return(invoke, "is", status, json);
}

static void say_huge(Dice *d, sd_bus_message *invoke)
{
        static const size_t sizes[] = {131072, 131073, 262144, HUGE_MAX};
        static char text[HUGE_MAX + 1];
        size_t n = sizes[dice_below(d, ARRAY_SIZE(sizes))];

        memset(text, 'z', n);
        text[0] = text[n - 1] = '"';
        text[n] = 0;
        say(invoke, 200, text);
}

static void say_anything(Dice *d, sd_bus_message *invoke)
{
        sd_bus_message *reply = NULL;
        char signature[64];

        d->n_descriptors = DICE_DESCRIPTORS_MAX;
        dice_signature(d, signature, sizeof(signature));
        if (sd_bus_message_new_method_return(invoke, &reply) >= 0 && dice_append(d, reply, signature) >= 0)
                (void)sd_bus_send(sd_bus_message_get_bus(invoke), reply, NULL);
        sd_bus_message_unref(reply);
}

static void fail(Dice *d, sd_bus_message *invoke)
{
        static const char *const names[] = {"org.freedesktop.DBus.Error.NoReply", "org.example.Error.Jammed",
                                            "org.freedesktop.DBus.Error.ServiceUnknown", "org.hublink1.Error.Busy"};

        (void)sd_bus_reply_method_errorf(invoke, names[dice_below(d, ARRAY_SIZE(names))], "%s", dice_text(d));
}

/* The oldest gets its answer when there is no room for more. */
static void owe(Liar *liar, Dice *d, sd_bus_message *invoke)
{
        if (liar->n_owed == LIAR_OWED_MAX) {
                say(liar->owed[0], 200, dice_json(d));
                sd_bus_message_unref(liar->owed[0]);
                memmove(liar->owed, liar->owed + 1, --liar->n_owed * sizeof(*liar->owed));
        }
        liar->owed[liar->n_owed++] = sd_bus_message_ref(invoke);
}

int liar_answer(Liar *liar, Dice *d, sd_bus_message *invoke)
{
        liar->n_asked++;
        switch (dice_below(d, 14)) {
        case 0:
                say_anything(d, invoke);
                break;
        case 1:
                say_huge(d, invoke);
                break;
        case 2:
                fail(d, invoke);
                break;
        case 3:
                owe(liar, d, invoke);
                break;
        case 4:
                say(invoke, 200, "true");
                say(invoke, 201, "false");
                break;
        case 5:
                say(invoke, (int)dice_number(d), dice_json(d));
                break;
        case 6:
                (void)sd_bus_reply_method_return(invoke, NULL);
                break;
        case 7:
                return dice_one_in(d, 4) ? LIAR_E_LEAVE : 0; /* it is never answered */
        default:
                say(invoke, 200, dice_json(d));
                break;
        }
        return 0;
}

void liar_forget(Liar *liar)
{
        while (liar->n_owed > 0)
                sd_bus_message_unref(liar->owed[--liar->n_owed]);
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a device says of itself, any text: a shared access signature, the user names of hub and provisioning service, a
 * bag of properties. What is read of a bag, written again, is read alike.
 */

#include <string.h>

#include "azure/bag.h"
#include "azure/dps-username.h"
#include "azure/token.h"
#include "azure/username.h"
#include "fuzz.h"

static void read_token(const char *text)
{
        Token token = {};

        if (token_parse(text, &token) != 0)
                return;
        promise(token.raw_resource && token.resource && token.signature);
        (void)token_is_signed_by(&token, "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=");
        (void)token_is_signed_by_text(&token, "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=");
        (void)token_covers(&token, "hub/devices/d1");
        token_done(&token);
}

static void read_usernames(const char *text)
{
        Username username = {};
        DpsUsername dps = {};

        if (username_parse(text, &username) == 0)
                promise(username.host && username.device_id);
        username_done(&username);
        if (dps_username_parse(text, &dps) == 0)
                promise(dps.id_scope && dps.registration_id);
        dps_username_done(&dps);
}

static void read_bag(const char *text, size_t size)
{
        Bag bag = {}, again = {};
        Buffer b = BUFFER_NULL;

        if (bag_parse(text, size, &bag) == 0) {
                for (size_t i = 0; i < bag.n_entries; i++)
                        bag_append(&b, 0, bag.entries[i].name, bag.entries[i].value);
                promise(bag_parse(b.size > 0 ? b.data : "", b.size, &again) == 0);
                promise(again.n_entries == bag.n_entries);
                for (size_t i = 0; i < bag.n_entries; i++)
                        promise(strcmp(again.entries[i].name, bag.entries[i].name) == 0);
        }
        bag_done(&bag);
        bag_done(&again);
        buffer_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text = malloc(size + 1);

        promise(text);
        memcpy(text, data, size);
        text[size] = 0;
        read_token(text);
        read_usernames(text);
        read_bag(text, size);
        free(text);
        return 0;
}

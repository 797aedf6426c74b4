/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/amqp/address.h"

#include <string.h>

#define PARTS_MAX 6

bool address_part_is(AddressPart part, const char *word)
{
        return part.data && part.size == strlen(word) && strncasecmp(part.data, word, part.size) == 0;
}

/* Past "amqps://"; the text itself when there is no scheme. */
static const char *after_scheme(const char *text)
{
        size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

        return n > 0 && strncmp(text + n, "://", 3) == 0 ? text + n + 3 : text;
}

static const char *past_slashes(const char *text)
{
        return text + strspn(text, "/");
}

AddressPart address_host(const char *resource)
{
        const char *host = after_scheme(resource);

        return (AddressPart){host, strcspn(host, ":/")};
}

const char *address_path_behind_host(const char *resource)
{
        const char *host = after_scheme(resource);

        return past_slashes(host + strcspn(host, "/"));
}

const char *address_path(const char *address)
{
        return past_slashes(after_scheme(address) == address ? address : address_path_behind_host(address));
}

/* Splits at slashes; those at the end do not count. */
static size_t split(const char *path, AddressPart parts[static PARTS_MAX])
{
        size_t n = 0;

        while (*path && n < PARTS_MAX) {
                size_t size = strcspn(path, "/");

                parts[n++] = (AddressPart){path, size};
                path = past_slashes(path + size);
        }
        return *path ? PARTS_MAX + 1 : n;
}

/* messages/... : what the hub itself has. */
static AddressKind kind_of_messages(const AddressPart *parts, size_t n, Address *a)
{
        if (n >= 2 && address_part_is(parts[1], "events")) {
                const char *rest = past_slashes(parts[1].data + parts[1].size);

                a->rest = (AddressPart){rest, strlen(rest)};
                return ADDRESS_HUB_EVENTS;
        }
        if (n == 2 && address_part_is(parts[1], "devicebound"))
                return ADDRESS_DEVICEBOUND;
        if (n == 3 && address_part_is(parts[1], "servicebound") && address_part_is(parts[2], "feedback"))
                return ADDRESS_FEEDBACK;
        return ADDRESS_UNKNOWN;
}

static AddressKind kind_of(const AddressPart *parts, size_t n, Address *a)
{
        if (n == 1 && address_part_is(parts[0], "$cbs"))
                return ADDRESS_CBS;
        if (n == 1 && address_part_is(parts[0], "$management"))
                return ADDRESS_MANAGEMENT;
        if (n > 0 && address_part_is(parts[0], "messages"))
                return kind_of_messages(parts, n, a);
        if (n == 2 && address_part_is(parts[1], "$management")) {
                a->entity = parts[0];
                return ADDRESS_MANAGEMENT;
        }
        if (n == 5 && address_part_is(parts[1], "ConsumerGroups") && address_part_is(parts[3], "Partitions")) {
                a->entity = parts[0];
                a->group = parts[2];
                a->partition = parts[4];
                return ADDRESS_PARTITION;
        }
        return ADDRESS_UNKNOWN;
}

Address address_parse(const char *text)
{
        AddressPart parts[PARTS_MAX];
        Address a = {.kind = ADDRESS_UNKNOWN, .path = ""};
        size_t n;

        if (!text)
                return a;
        a.path = address_path(text);
        n = split(a.path, parts);
        if (n <= PARTS_MAX)
                a.kind = kind_of(parts, n, &a);
        return a;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/amqp/grants.h"

#include <errno.h>
#include <string.h>

#include "azure/token.h"
#include "base/log.h"
#include "devhub/amqp/address.h"

#define GRANTS_MAX 128

static void grant_done(Grant *grant)
{
        free(grant->path);
        access_done(&grant->access);
        *grant = (Grant){};
}

void grants_done(Grants *grants)
{
        for (size_t i = 0; i < grants->n_items; i++)
                grant_done(&grants->items[i]);
        free(grants->items);
        *grants = (Grants){};
}

static void drop(Grants *grants, size_t i)
{
        grant_done(&grants->items[i]);
        grants->n_items--;
        memmove(grants->items + i, grants->items + i + 1, (grants->n_items - i) * sizeof(*grants->items));
}

/* The same token's next edition takes the place of the one before; of too many the oldest goes. */
static int keep(Grants *grants, Grant *grant)
{
        Grant *more;

        for (size_t i = 0; i < grants->n_items; i++)
                if (strcmp(grants->items[i].path, grant->path) == 0 &&
                    strcmp(grants->items[i].access.policy, grant->access.policy) == 0) {
                        drop(grants, i);
                        break;
                }
        if (grants->n_items >= GRANTS_MAX)
                drop(grants, 0);
        more = reallocarray(grants->items, grants->n_items + 1, sizeof(*more));
        if (!more)
                return -ENOMEM;
        grants->items = more;
        grants->items[grants->n_items++] = *grant;
        *grant = (Grant){};
        return 0;
}

/* ---- judging a token ---- */

static int refuse(const char **ret_reason, const char *reason)
{
        *ret_reason = reason;
        return GRANTS_E_REFUSED;
}

static int judge(const char *text, const AmqpHouse *house, Grant *ret, const char **ret_reason)
{
        _cleanup_(token_done) Token token = {};
        int r = token_parse(text, &token);

        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return refuse(ret_reason, "there is no shared access signature");
        if (!amqp_house_is_ours(house, address_host(token.resource)))
                return refuse(ret_reason, "the token is for another host");
        r = access_check_policy(house->hub->store, &token, clock_wall(house->hub->clock), &ret->access, ret_reason);
        if (r != 0)
                return r < 0 ? r : GRANTS_E_REFUSED;
        ret->path = strdup(address_path_behind_host(token.resource));
        return ret->path ? 0 : -ENOMEM;
}

int grants_put(Grants *grants, const AmqpHouse *house, const char *token, const char **ret_reason)
{
        _cleanup_(grant_done) Grant grant = {};
        int r;

        *ret_reason = "";
        r = judge(token, house, &grant, ret_reason);
        return r != 0 ? r : keep(grants, &grant);
}

/* ---- PLAIN ---- */

/* The part before @sas.root.{hub}, and whether that follows. */
static bool is_user_of(const AmqpHouse *house, const char *user, const char *policy)
{
        static const char middle[] = "@sas.root.";
        size_t size = strlen(policy), middle_size = strlen(middle);

        return strncmp(user, policy, size) == 0 && strncasecmp(user + size, middle, middle_size) == 0 &&
               strcasecmp(user + size + middle_size, house->name) == 0;
}

static int add_plain(Grants *grants, const AmqpHouse *house, const char *user, const char *password,
                     const char **ret_reason)
{
        _cleanup_(grant_done) Grant grant = {};
        int r;

        r = judge(password, house, &grant, ret_reason);
        if (r != 0)
                return r;
        if (!is_user_of(house, user, grant.access.policy))
                return refuse(ret_reason, "the user is not {policy of the token}@sas.root.{hub}");
        return keep(grants, &grant);
}

bool grants_add_plain(Grants *grants, const AmqpHouse *house, const char *user, const char *password)
{
        const char *reason = "";
        int r = add_plain(grants, house, user, password, &reason);

        if (r != 0)
                log_notice("%s: AMQP: refused by SASL PLAIN: %s", grants->peer, r < 0 ? strerror(-r) : reason);
        return r == 0;
}

/* ---- questions ---- */

bool grants_any(const Grants *grants)
{
        return grants->n_items > 0;
}

/* At a segment limit, and without regard to case: link addresses have none. */
static bool covers(const char *grant, const char *path)
{
        size_t size = strlen(grant);

        while (size > 0 && grant[size - 1] == '/')
                size--;
        return size == 0 || *path == 0 ||
               (strncasecmp(grant, path, size) == 0 && (path[size] == 0 || path[size] == '/'));
}

bool grants_allow(const Grants *grants, unsigned right, const char *path)
{
        for (size_t i = 0; i < grants->n_items; i++)
                if ((grants->items[i].access.rights & right) == right && covers(grants->items[i].path, path))
                        return true;
        return false;
}

static usec_t end_of(const Grant *grant)
{
        return usec_add(grant->access.ends_usec, ACCESS_GRACE_USEC);
}

usec_t grants_next_end(const Grants *grants)
{
        usec_t end = USEC_INFINITY;

        for (size_t i = 0; i < grants->n_items; i++)
                end = MIN(end, end_of(&grants->items[i]));
        return end;
}

unsigned grants_expire(Grants *grants, usec_t wall_now)
{
        unsigned n = 0;

        for (size_t i = grants->n_items; i > 0; i--)
                if (end_of(&grants->items[i - 1]) <= wall_now) {
                        drop(grants, i - 1);
                        n++;
                }
        return n;
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Whose a reported section is.
 *
 * It belongs to the user who reported it first, until it is deleted, or to the one that the settings name. Root and the
 * daemon may report any, and what somebody else has stays his. What the daemon was first with is the daemon's. The
 * record of it is an object: section, and the name of the user, which is empty for the daemon.
 *
 * "uid N" is a user without a name, or one whose name could not be found in time: he owns nothing, for with his name
 * he would be refused what is his.
 */

#include <errno.h>
#include <string.h>

#include "flow/twin-core.h"

#define DAEMON ""

/* Nobody whose rights end anywhere. */
static bool may_all(const char *user)
{
        return !user || strcmp(user, "root") == 0 || strcmp(user, "uid 0") == 0;
}

static bool is_nameless(const char *user)
{
        return user && strncmp(user, "uid ", strlen("uid ")) == 0;
}

static const char *named_for(const TwinSettings *settings, const char *section)
{
        for (size_t i = 0; settings && i < settings->n_sections; i++)
                if (strcmp(settings->sections[i].name, section) == 0)
                        return settings->sections[i].value;
        return NULL;
}

static void refuse(const char *section, const char *user, const char *owner, bool named, Buffer *why)
{
        if (named)
                buffer_printf(why, "the section %s is for user %s alone (twin.sections); you are %s", section, owner,
                              user);
        else
                buffer_printf(why, "the section %s belongs to %s%s, who reported it first; you are %s. Root deletes "
                                   "it, or gives it to another (twin.sections)",
                              section, *owner ? "user " : "hublinkd itself", owner, user);
}

bool twin_may_report(const Twin *t, const Document *patch, const char *user, Buffer *why)
{
        DocumentMember m = {};

        while (!may_all(user) && document_next(patch, &m)) {
                const char *named = named_for(t->settings, m.name);
                const char *owner = named ?: document_text_member(t->owners, m.name);

                if (owner && strcmp(owner, user) != 0) {
                        refuse(m.name, user, owner, named != NULL, why);
                        return false;
                }
        }
        return true;
}

/* Those of the settings first: they count, whoever was noted. */
void twin_tell_owners(const Twin *t, TwinOwnerFn each, void *userdata)
{
        DocumentMember m = {};

        for (size_t i = 0; t->settings && i < t->settings->n_sections; i++)
                each(userdata, t->settings->sections[i].name, t->settings->sections[i].value);
        while (document_next(t->owners, &m)) {
                const char *owner = document_text_member(t->owners, m.name);

                if (owner && !named_for(t->settings, m.name))
                        each(userdata, m.name, owner);
        }
}

static int note(Document *owners, const char *section, const Document *value, const char *user)
{
        if (!value) {
                document_remove(owners, section);
                return 0;
        }
        if (is_nameless(user) || (may_all(user) && document_has(owners, section)))
                return 0;
        return document_put_new(owners, section, document_new_text(user ?: DAEMON));
}

int twin_owners_after(const Twin *t, const Document *patch, const char *user, Document **ret)
{
        _cleanup_(document_freep) Document *owners = NULL;
        DocumentMember m = {};
        int r = document_copy(&owners, t->owners);

        while (r >= 0 && document_next(patch, &m))
                r = note(owners, m.name, m.value, user);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(owners);
        return 0;
}

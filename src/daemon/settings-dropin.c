/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/settings-dropin.h"

#include <errno.h>
#include <string.h>

#include "daemon/settings-read.h"
#include "model/name.h"
#include "model/order.h"

#define SUFFIX ".conf"

static char *name_of(const char *path)
{
        const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;

        return strndup(base, strlen(base) - strlen(SUFFIX));
}

/* ---- methods.d ---- */

/* The one thing that a file says; NULL, and told, when it does not. */
static const Node *responder_of(Node *file, Problems *problems)
{
        const Node *found = NULL;

        for (size_t i = 0; i < file->n_children; i++) {
                const Node *child = file->children[i];

                if (strcmp(child->key, "responder") != 0) {
                        problems_add(problems, child->place,
                                     "%s: unknown setting; a file of methods.d says  responder = \"BUS NAME\";",
                                     child->key);
                        return NULL;
                }
                found = child;
        }
        if (!found || found->kind != NODE_TEXT)
                problems_add(problems, found ? found->place : file->place,
                             "expected  responder = \"BUS NAME\";  such as \"org.example.Printer\"");
        return found && found->kind == NODE_TEXT ? found : NULL;
}

/* Puts the child into a new group of this key. */
static int wrap(const char *key, Place place, Node *child, Node **ret)
{
        _cleanup_(node_freep) Node *group = NULL;
        int r = node_new(&group, key, place, NODE_GROUP);

        if (r < 0) {
                node_free(child);
                return r;
        }
        r = node_add(group, child);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(group);
        return 0;
}

static int build(const char *method, const Node *responder, Node **ret)
{
        static const char *const groups[] = {"services", "methods", NULL};
        Node *node = NULL;
        int r = node_new(&node, method, responder->place, NODE_TEXT);

        if (r < 0)
                return r;
        node->text = strdup(responder->text);
        if (!node->text) {
                node_free(node);
                return -ENOMEM;
        }
        for (size_t i = 0; i < ARRAY_SIZE(groups) && r >= 0; i++)
                r = wrap(groups[i], responder->place, node, &node);
        if (r >= 0)
                *ret = node;
        return r;
}

int settings_dropin_method(const char *path, Node *file, Node **ret, Problems *problems)
{
        _cleanup_(node_freep) Node *own = file;
        _cleanup_free_ char *method = name_of(path);
        const Node *responder;

        if (!method)
                return -ENOMEM;
        if (!name_is_of_method(method)) {
                problems_add(problems, own->place,
                             "the file's name is to be that of a method, with " SUFFIX " behind it");
                return SETTINGS_E_BAD;
        }
        responder = responder_of(own, problems);
        return responder ? build(method, responder, ret) : SETTINGS_E_BAD;
}

/* ---- commands.d ---- */

/* What the file says is the group; the table knows what may stand there. */
int settings_dropin_command(const char *path, Node *file, Node **ret, Problems *problems)
{
        _cleanup_(node_freep) Node *own = file;
        Place place = own->place;
        Node *group = NULL;
        int r;

        own->key = name_of(path);
        if (!own->key)
                return -ENOMEM;
        if (!name_is_valid(own->key)) {
                problems_add(problems, place,
                             "the file's name is to be that of the command: a letter, then letters, digits and _, at "
                             "most %d, "
                             "with " SUFFIX " behind it",
                             NAME_LENGTH_MAX);
                return SETTINGS_E_BAD;
        }
        r = wrap("command_units", place, TAKE_PTR(own), &group);
        return r < 0 ? r : wrap(NULL, place, group, ret);
}

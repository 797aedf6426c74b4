/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/excerpt.h"

#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "base/utf8.h"
#include "base/visible.h"

#define UTF8_MAX 4 /* bytes of a character; what is longer stands for one that cannot be shown, such as \u001b */

void excerpt_take(Excerpt *e, const char *text, size_t size)
{
        e->n = MIN(size, sizeof(e->text));
        e->more = size > e->n;
        memcpy(e->text, text, e->n);
}

/* As many as there is room for; true: those were all. */
static bool show(const Excerpt *e, Buffer *b)
{
        size_t shown = 0;

        for (size_t i = 0; i < e->n;) {
                size_t n = utf8_character(e->text + i, e->n - i) ?: 1, before = b->size;

                visible_text(b, e->text + i, n);
                shown += b->size - before > UTF8_MAX ? b->size - before : 1;
                if (shown > EXCERPT_MAX) {
                        buffer_truncate(b, before);
                        return false;
                }
                i += n;
        }
        return !e->more;
}

const char *excerpt_words(const Excerpt *e, char words[static EXCERPT_WORDS_MAX])
{
        Buffer b = BUFFER_NULL;
        bool all;

        words[0] = 0;
        if (!e || e->n == 0)
                return words;
        all = show(e, &b);
        if (buffer_error(&b) >= 0)
                (void)snprintf(words, EXCERPT_WORDS_MAX, " The line%s: %s%s", all ? "" : " begins", b.data,
                               all ? "" : " ...");
        buffer_done(&b);
        return words;
}

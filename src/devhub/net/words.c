/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/net/words.h"

#include <stdio.h>

void words_clean(char *text)
{
        for (char *p = text; *p; p++)
                if ((unsigned char)*p < 0x20 || *p == 0x7f)
                        *p = '?';
}

Words words(const char *before, const char *text, const char *instead)
{
        Words w;

        (void)snprintf(w.text, sizeof(w.text), "%s%s", text ? before : "", text ? text : instead);
        words_clean(w.text);
        return w;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/number.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void c_locale_make(void)
{
        c_locale = newlocale(LC_ALL_MASK, "C", NULL);
}

/* Whole numbers of up to 15 digits, the most common readings, need no search. */
static size_t format_whole(int64_t v, char *text)
{
        char digits[20];
        size_t n = 0, length = 0;
        uint64_t u = v < 0 ? (uint64_t)-v : (uint64_t)v;

        do
                digits[n++] = (char)('0' + u % 10);
        while (u /= 10);
        if (v < 0)
                text[length++] = '-';
        while (n > 0)
                text[length++] = digits[--n];
        text[length] = 0;
        return length;
}

/* Readings mostly have a few decimals: x * 10^k is whole for a small k. The quotient of two doubles that are
 * exact (both below 2^53) is correctly rounded, so if it gives x back, the digits are right; and since smaller
 * k were tried first, they are the fewest. */
static size_t format_decimals(double x, char *text)
{
        static const double power[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
        double a = fabs(x);

        if (a >= 1e9 || a < 1e-3)
                return 0;
        for (int k = 1; k <= 6; k++) {
                double scaled = nearbyint(a * power[k]);
                size_t length = 0;
                uint64_t whole, unit = (uint64_t)power[k], fraction;

                if (scaled / power[k] != a)
                        continue;
                whole = (uint64_t)scaled / unit;
                fraction = (uint64_t)scaled % unit;
                if (x < 0)
                        text[length++] = '-';
                length += format_whole((int64_t)whole, text + length);
                text[length++] = '.';
                for (int d = k; d > 0; d--) {
                        unit /= 10;
                        text[length++] = (char)('0' + fraction / unit % 10);
                }
                text[length] = 0;
                return length;
        }
        return 0;
}

static bool reads_back(const char *text, double x)
{
        return strtod_l(text, NULL, c_locale) == x;
}

/* The rounded 16 digits may miss while a neighbour in the last place reads back: seen at powers of two. */
static bool try_neighbour(double x, char *text)
{
        char *e = strchr(text, 'e'), *last = e ? e - 1 : text + strlen(text) - 1;

        if (*last < '0' || *last >= '9')
                return false;
        ++*last;
        if (reads_back(text, x))
                return true;
        --*last;
        return false;
}

/* printf writes e+15 and e-07 where e15 and e-7 say the same. */
static size_t shorten_exponent(char *text)
{
        char *to = strchr(text, 'e'), *from;

        if (!to)
                return strlen(text);
        from = ++to;
        if (*from == '-')
                to++;
        from++;
        while (*from == '0')
                from++;
        memmove(to, from, strlen(from) + 1);
        return strlen(text);
}

size_t number_format(double x, char text[static NUMBER_TEXT_MAX])
{
        size_t n;
        locale_t old;

        assert(isfinite(x));
        if (x == 0)
                return (size_t)snprintf(text, NUMBER_TEXT_MAX, signbit(x) ? "-0" : "0");
        if (fabs(x) < 1e15 && x == nearbyint(x))
                return format_whole((int64_t)x, text);
        n = format_decimals(x, text);
        if (n > 0)
                return n;

        pthread_once(&c_locale_once, c_locale_make);
        old = uselocale(c_locale);
        /* Below the normal range fewer than 15 digits may be all there is. */
        for (int digits = fabs(x) < 2.3e-308 ? 1 : 15; digits <= 17; digits++) {
                (void)snprintf(text, NUMBER_TEXT_MAX, "%.*g", digits, x);
                if (reads_back(text, x) || (digits == 16 && try_neighbour(x, text)))
                        break;
        }
        uselocale(old);
        return shorten_exponent(text);
}

size_t number_format_fixed(double x, unsigned decimals, char text[static NUMBER_FIXED_TEXT_MAX])
{
        locale_t old;
        int n;

        assert(isfinite(x));
        pthread_once(&c_locale_once, c_locale_make);
        old = uselocale(c_locale);
        n = snprintf(text, NUMBER_FIXED_TEXT_MAX, "%.*f", (int)MIN(decimals, NUMBER_DECIMALS_MAX), x);
        uselocale(old);
        return (size_t)n;
}

/* Nobody means -0. */
double number_rounded(double x, unsigned decimals)
{
        double power = pow(10, decimals), whole = round(x * power);

        return fabs(whole) < 0x1p53 ? whole / power + 0.0 : x;
}

/* Beyond so many digits a number that nobody wrote would be found, too: each is near to some decimal. */
#define DIGITS_WRITTEN 1e13

unsigned number_decimals(double x)
{
        double a = fabs(x), power = 1;

        assert(isfinite(x));
        if (a == nearbyint(a))
                return 0;
        for (unsigned k = 0; k <= NUMBER_DECIMALS_MAX && a * power < DIGITS_WRITTEN; k++, power *= 10)
                if (fabs(nearbyint(a * power) / power - a) <= a * 0x1p-50)
                        return k;
        return NUMBER_DECIMALS_MAX + 1;
}

double number_mean(double mean, uint64_t n, unsigned decimals)
{
        for (decimals++; n >= 10; n /= 10)
                decimals++;
        return decimals <= NUMBER_DECIMALS_MAX ? number_rounded(mean, decimals) : mean;
}

int number_parse(const char *text, double *ret)
{
        const char *p = text;
        char *end;
        double x;

        pthread_once(&c_locale_once, c_locale_make);
        while (isspace((unsigned char)*p))
                p++;
        /* strtod knows "inf", "nan" and hexadecimal; a sensor's file does not mean them. */
        if (p[strspn(p, "+-")] == 0 || !strchr(".0123456789", p[strspn(p, "+-")]) || strpbrk(p, "xX"))
                return -EINVAL;
        x = strtod_l(p, &end, c_locale);
        if (end == p)
                return -EINVAL;
        while (isspace((unsigned char)*end))
                end++;
        if (*end)
                return -EINVAL;
        if (!isfinite(x))
                return -ERANGE;
        *ret = x;
        return 0;
}

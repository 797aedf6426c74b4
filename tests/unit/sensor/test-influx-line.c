/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/influx-line.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "suite.h"

/* In a block of exactly that size, so that a step too far is seen. */
static int parse(const char *text, size_t n, ReadingLine *line, char **ret_block)
{
        *ret_block = malloc(n > 0 ? n : 1);
        memcpy(*ret_block, text, n);
        return influx_line_parse(*ret_block, n, line);
}

static char *shown(const ReadingLine *l)
{
        Buffer b = BUFFER_NULL;
        char number[NUMBER_TEXT_MAX];

        buffer_printf(&b, "%s", l->sensor);
        if (l->wall_usec)
                buffer_printf(&b, " @%llu", (unsigned long long)l->wall_usec);
        for (size_t i = 0; i < l->n_channels; i++) {
                const Value *v = &l->channels[i].value;

                buffer_printf(&b, " %s=", l->channels[i].name);
                if (v->kind == VALUE_NUMBER)
                        (void)number_format(v->number, number);
                if (v->kind == VALUE_NUMBER)
                        buffer_append_string(&b, number);
                else if (v->kind == VALUE_INTEGER)
                        buffer_printf(&b, "%lldi", (long long)v->integer);
                else if (v->kind == VALUE_BOOLEAN)
                        buffer_append_string(&b, v->boolean ? "true" : "false");
                else
                        buffer_printf(&b, "'%s'", v->text);
        }
        return buffer_steal(&b);
}

static const char *const good[][2] = {
        {"m f=1", "m f=1"},
        {"m f=1i", "m f=1i"},
        {"  m   f=1.5   1763647200123456789  \r", "m @1763647200123456 f=1.5"},
        {"m f=1i 1000", "m @1 f=1i"},
        {"weather,station=north,mast=2 wind=4.5,gusts=12i,calm=f,note=\"from west\" 1763647200123000000",
         "weather @1763647200123000 station='north' mast='2' wind=4.5 gusts=12i calm=false note='from west'"},
        /* numbers */
        {"m a=-1.5,b=.5,c=5.,d=007,e=1e3,f=1E-7,g=-2.5e+2,h=-.5", "m a=-1.5 b=0.5 c=5 d=7 e=1000 f=1e-7 g=-250 h=-0.5"},
        {"m a=0.1,b=0.30000000000000004,c=1e-400", "m a=0.1 b=0.30000000000000004 c=0"},
        {"m a=9223372036854775807i,b=-9223372036854775808i,c=9223372036854775807u,d=-0i,e=0u",
         "m a=9223372036854775807i b=-9223372036854775808i c=9223372036854775807i d=0i e=0i"},
        /* truths */
        {"m a=t,b=T,c=true,d=True,e=TRUE", "m a=true b=true c=true d=true e=true"},
        {"m a=f,b=F,c=false,d=False,e=FALSE 1000", "m @1 a=false b=false c=false d=false e=false"},
        /* texts */
        {"m a=\"\",b=\"x y,z=1\"", "m a='' b='x y,z=1'"},
        {"m a=\"\\\"\\\\\\n\\\"\" 1000", "m @1 a='\"\\\\n\"'"},
        {"m a=\"tab\there\",b=\"\xc3\xa4\xf0\x9f\x98\x80\"", "m a='tab\there' b='\xc3\xa4\xf0\x9f\x98\x80'"},
        /* escapes, and names that become ours */
        {"my\\ me\\,as,k\\=1\\ 2=v\\,\\ \\=\\x a\\ b\\,\\=c=1i", "my_me_as k_1_2='v, =\\x' a_b__c=1i"},
        {"win-cpu,host-name=gw-17 Percent_DPC.Time=0.5,io/r:s=1i", "win_cpu host_name='gw-17' Percent_DPC_Time=0.5 io_r_s=1i"},
        {"k\xc3\xa4lte w\xe2\x82\xacrt=1i", "k_lte w_rt=1i"},
        {"a=b f=1i", "a_b f=1i"},
        {"m,a=c:\\\\x f=1i", "m a='c:\\\\x' f=1i"},
};

START_TEST(good_lines_are_understood)
{
        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                char *block, *text;
                ReadingLine line;

                ck_assert_msg(parse(good[i][0], strlen(good[i][0]), &line, &block) == 0, "%s: %zu: %s", good[i][0],
                              line.column, line.error);
                text = shown(&line);
                ck_assert_str_eq(text, good[i][1]);
                free(text);
                free(block);
        }
}
END_TEST

START_TEST(bad_lines_are_refused_where_they_are_bad)
{
        static const struct {
                const char *text;
                Refusal refusal;
                size_t column;
        } cases[] = {
                {"", REFUSAL_MALFORMED, 1},
                {"m", REFUSAL_MALFORMED, 2},
                {"m ", REFUSAL_MALFORMED, 3},
                {"{\"a\":1}", REFUSAL_MALFORMED, 8},
                {"m,a=b", REFUSAL_MALFORMED, 6},
                {"m,a=b ", REFUSAL_MALFORMED, 7},
                {"m f", REFUSAL_MALFORMED, 3},
                {"m f=", REFUSAL_MALFORMED, 5},
                {"m f= 1", REFUSAL_MALFORMED, 5},
                {"m f=1,", REFUSAL_MALFORMED, 7},
                {"m f=1, g=2", REFUSAL_MALFORMED, 7},
                {"m f=1,g", REFUSAL_MALFORMED, 7},
                {"m =1", REFUSAL_MALFORMED, 3},
                {"m, f=1", REFUSAL_MALFORMED, 3},
                {"m,a f=1", REFUSAL_MALFORMED, 3},
                {"m,=b f=1", REFUSAL_MALFORMED, 3},
                {"m,a= f=1", REFUSAL_MALFORMED, 5},
                {"m,a=b=c f=1", REFUSAL_MALFORMED, 6},
                {"m,a=b,a=c f=1", REFUSAL_MALFORMED, 7},
                {"m,a=b a=1", REFUSAL_MALFORMED, 7},
                {"m a-b=1,a_b=2", REFUSAL_MALFORMED, 9},
                {" f=1", REFUSAL_MALFORMED, 5},
                {"1m f=1", REFUSAL_MALFORMED, 1},
                {"_m f=1", REFUSAL_MALFORMED, 1},
                {"m 1f=1", REFUSAL_MALFORMED, 3},
                {"m t=1", REFUSAL_MALFORMED, 3},
                {"m,s=x f=1", REFUSAL_MALFORMED, 3},
                {"m q=1", REFUSAL_MALFORMED, 3},
                {"abcdefghijabcdefghijabcdefghijabc f=1", REFUSAL_MALFORMED, 1},
                {"m abcdefghijabcdefghijabcdefghijabc=1", REFUSAL_MALFORMED, 3},
                {"m\xff f=1", REFUSAL_MALFORMED, 1},
                {"m f\xc0\x80=1", REFUSAL_MALFORMED, 3},
                {"m,a=\xff f=1", REFUSAL_MALFORMED, 5},
                {"m f=\"\xff\"", REFUSAL_MALFORMED, 5},
                {"m f=\"x", REFUSAL_MALFORMED, 7},
                {"m f=\"x\\\"", REFUSAL_MALFORMED, 9},
                {"m f=\"x\"y", REFUSAL_MALFORMED, 5},
                {"m f=x", REFUSAL_MALFORMED, 5},
                {"m f=tru", REFUSAL_MALFORMED, 5},
                {"m f=tRUE", REFUSAL_MALFORMED, 5},
                {"m f=+1", REFUSAL_MALFORMED, 5},
                {"m f=-", REFUSAL_MALFORMED, 5},
                {"m f=.", REFUSAL_MALFORMED, 6},
                {"m f=1.5i", REFUSAL_MALFORMED, 5},
                {"m f=0x10", REFUSAL_MALFORMED, 5},
                {"m f=1e", REFUSAL_MALFORMED, 7},
                {"m f=1ii", REFUSAL_MALFORMED, 5},
                {"m f=1;g=2", REFUSAL_MALFORMED, 5},
                {"m f=1e400", REFUSAL_RANGE, 5},
                {"m f=9223372036854775808i", REFUSAL_RANGE, 5},
                {"m f=-9223372036854775809i", REFUSAL_RANGE, 5},
                {"m f=18446744073709551615u", REFUSAL_RANGE, 5},
                {"m f=99999999999999999999999999i", REFUSAL_RANGE, 5},
                {"m f=-1u", REFUSAL_RANGE, 5},
                {"m f=nan", REFUSAL_NAN, 5},
                {"m f=NaN", REFUSAL_NAN, 5},
                {"m f=-inf", REFUSAL_NAN, 5},
                {"m f=+Inf", REFUSAL_NAN, 5},
                {"m f=1 x", REFUSAL_MALFORMED, 7},
                {"m f=1 1.5", REFUSAL_MALFORMED, 8},
                {"m f=1 1763647200123000000x", REFUSAL_MALFORMED, 26},
                {"m f=1 1763647200123000000 1", REFUSAL_MALFORMED, 27},
                {"m f=1 -5", REFUSAL_RANGE, 7},
                {"m f=1 0", REFUSAL_RANGE, 7},
                {"m f=1 999", REFUSAL_RANGE, 7},
                {"m f=1 9223372036854775808", REFUSAL_RANGE, 7},
                {"m f=1 99999999999999999999999", REFUSAL_RANGE, 7},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ReadingLine line;
                char *block;

                ck_assert_msg(parse(cases[i].text, strlen(cases[i].text), &line, &block) == READING_LINE_E_REFUSED, "%s",
                              cases[i].text);
                ck_assert_msg(line.refusal == cases[i].refusal && line.column == cases[i].column, "%s: %s, %zu: %s",
                              cases[i].text, refusal_to_string(line.refusal), line.column, line.error);
                free(block);
        }
}
END_TEST

START_TEST(comments_are_no_readings)
{
        static const char *const cases[] = {"#", "# m f=1", "  \t# x"};

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ReadingLine line;
                char *block;

                ck_assert_int_eq(parse(cases[i], strlen(cases[i]), &line, &block), READING_LINE_E_COMMENT);
                free(block);
        }
}
END_TEST

START_TEST(byte_0_is_refused_wherever_it_is)
{
        static const char text[] = "me,ta=gx fie=1.5,b=\"text\",c=t 1763647200123000000";

        for (size_t i = 0; i + 1 < sizeof(text); i++) {
                ReadingLine line;
                char *block, copy[sizeof(text)];

                memcpy(copy, text, sizeof(text));
                copy[i] = 0;
                ck_assert_msg(parse(copy, sizeof(text) - 1, &line, &block) == READING_LINE_E_REFUSED, "%zu", i);
                free(block);
        }
}
END_TEST

/* Cut anywhere, or with any byte another: a reading or a refusal within the line, and never a step outside it. */
START_TEST(any_damage_is_borne)
{
        for (size_t i = 0; i < ARRAY_SIZE(good); i++)
                for (size_t n = 0, size = strlen(good[i][0]); n <= size; n++)
                        for (int byte = -1; byte < (n < size ? 256 : 0); byte++) {
                                char *copy = strdup(good[i][0]), *block;
                                ReadingLine line;
                                int r;

                                if (byte >= 0)
                                        copy[n] = (char)byte;
                                r = parse(copy, byte >= 0 ? size : n, &line, &block);
                                insist(r == 0 ? line.n_channels > 0 && name_is_valid(line.sensor)
                                              : r == READING_LINE_E_COMMENT || line.column <= size + 1);
                                free(block);
                                free(copy);
                        }
}
END_TEST

START_TEST(limits)
{
        Buffer b = BUFFER_NULL;
        ReadingLine line;

        buffer_append_string(&b, "m ");
        for (int i = 0; i < READING_CHANNELS_MAX; i++)
                buffer_printf(&b, "%sc%d=1", i ? "," : "", i);
        ck_assert_int_eq(influx_line_parse(b.data, b.size, &line), 0);
        ck_assert_uint_eq(line.n_channels, READING_CHANNELS_MAX);
        buffer_done(&b);

        buffer_append_string(&b, "m ");
        for (int i = 0; i <= READING_CHANNELS_MAX; i++)
                buffer_printf(&b, "%sc%d=1", i ? "," : "", i);
        ck_assert_int_eq(influx_line_parse(b.data, b.size, &line), READING_LINE_E_REFUSED);
        ck_assert_str_eq(line.error, "more than 64 tags and fields");
        buffer_done(&b);

        for (int extra = 0; extra < 2; extra++) {
                buffer_printf(&b, "m f=\"%0*d\"", READING_TEXT_MAX + extra, 0);
                ck_assert_int_eq(influx_line_parse(b.data, b.size, &line), extra ? READING_LINE_E_REFUSED : 0);
                ck_assert(!extra || line.refusal == REFUSAL_TOO_LONG);
                buffer_done(&b);
        }
        buffer_printf(&b, "m f=%0500d.0", 0);
        ck_assert_int_eq(influx_line_parse(b.data, b.size, &line), READING_LINE_E_REFUSED);
        ck_assert_int_eq(line.refusal, REFUSAL_TOO_LONG);
        buffer_done(&b);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/influx-line");
        TCase *c = suite_case(s, "lines");

        tcase_add_test(c, good_lines_are_understood);
        tcase_add_test(c, bad_lines_are_refused_where_they_are_bad);
        tcase_add_test(c, comments_are_no_readings);
        c = suite_case(s, "damage");
        tcase_add_test(c, byte_0_is_refused_wherever_it_is);
        tcase_add_test(c, any_damage_is_borne);
        tcase_add_test(c, limits);
        return suite_run(s);
}

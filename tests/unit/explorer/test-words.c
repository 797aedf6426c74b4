/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/words.h"

#include <string.h>

#include "explorer/commands.h"
#include "said.h"
#include "suite.h"

static char line[512];
static char *argv[32];

/* Splits at blanks; argv lives until the next call. Standard error goes into *ret_said. */
static int parse(const char *words, Words *ret, const char **ret_said)
{
        static char program[] = "hublink-explorer";
        int argc = 0, r;

        (void)snprintf(line, sizeof(line), "%s", words);
        argv[argc++] = program;
        for (char *p = strtok(line, " "); p; p = strtok(NULL, " "))
                argv[argc++] = p;
        argv[argc] = NULL;
        said_begin(stderr);
        r = words_read(argc, argv, ret);
        *ret_said = said_end();
        return r;
}

START_TEST(options_stand_anywhere)
{
        static const char *const lines[] = {
                "--json update d1 --status disabled --timeout 5s",
                "update --status=disabled --timeout=5s d1 --json",
                "--timeout 5s --json update --status disabled -- d1",
                "--status disabled update d1 --json --timeout 5s",
        };

        for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
                _cleanup_(words_done) Words w;
                const char *said;
                usec_t t = 0;

                ck_assert_int_eq(parse(lines[i], &w, &said), EXPLORER_OK);
                ck_assert_str_eq(said, "");
                ck_assert_ptr_eq(w.command, &command_update);
                ck_assert_str_eq(words_operand(&w, 0), "d1");
                ck_assert_ptr_null(words_operand(&w, 1));
                ck_assert_str_eq(words_value(&w, "status"), "disabled");
                ck_assert(words_have(&w, "json"));
                ck_assert(!words_have(&w, "quiet"));
                ck_assert_int_eq(words_time(&w, "timeout", &t), EXPLORER_OK);
                ck_assert_uint_eq(t, 5 * USEC_PER_SEC);
        }
}
END_TEST

START_TEST(commands_have_one_word_or_two)
{
        _cleanup_(words_done) Words one, two, group;
        const char *said;

        ck_assert_int_eq(parse("get d1", &one, &said), EXPLORER_OK);
        ck_assert_ptr_eq(one.command, &command_get);
        ck_assert_int_eq(parse("enrollment --json get e1", &two, &said), EXPLORER_OK);
        ck_assert_ptr_eq(two.command, &command_enrollment_get);
        ck_assert_str_eq(words_operand(&two, 0), "e1");
        ck_assert_int_eq(parse("enrollment-group get g1", &group, &said), EXPLORER_OK);
        ck_assert_ptr_eq(group.command, &command_enrollment_group_get);
}
END_TEST

START_TEST(operands_may_begin_with_a_dash)
{
        _cleanup_(words_done) Words number, input, literal;
        const char *said;

        ck_assert_int_eq(parse("device-method d1 m -5", &number, &said), EXPLORER_OK);
        ck_assert_str_eq(words_operand(&number, 2), "-5");
        ck_assert_int_eq(parse("update-twin d1 -", &input, &said), EXPLORER_OK);
        ck_assert_str_eq(words_operand(&input, 1), "-");
        ck_assert_int_eq(parse("get -- --json", &literal, &said), EXPLORER_OK);
        ck_assert_str_eq(words_operand(&literal, 0), "--json");
        ck_assert(!words_have(&literal, "json"));
}
END_TEST

START_TEST(options_given_several_times)
{
        _cleanup_(words_done) Words w, twice;
        const char *said;
        size_t at = 0;

        ck_assert_int_eq(parse("enrollment create e1 --hub a --device-id x --hub b", &w, &said), EXPLORER_OK);
        ck_assert_str_eq(words_next(&w, "hub", &at), "a");
        ck_assert_str_eq(words_next(&w, "hub", &at), "b");
        ck_assert_ptr_null(words_next(&w, "hub", &at));
        ck_assert_int_eq(parse("enrollment create e1 --device-id x --device-id y", &twice, &said), EXPLORER_USAGE);
        ck_assert_ptr_nonnull(strstr(said, "twice"));
}
END_TEST

START_TEST(mistakes_are_told_with_what_was_meant)
{
        static const struct {
                const char *line, *said;
        } cases[] = {
                {"", "which command?"},
                {"crate d1", "did you mean 'create'?"},
                {"udpate-twin d1", "did you mean 'update-twin'?"},
                {"xyzzyplugh", "there is no command 'xyzzyplugh'"},
                {"enrolment list", "did you mean 'enrollment'?"},
                {"enrollment", "There is: list, get, create"},
                {"enrollment lits", "did you mean 'list'?"},
                {"enrollment frobnicate", "there is: list, get, create"},
                {"get", "'get' needs DEVICE"},
                {"get d1 d2", "'d2' is one word too many"},
                {"statistics x", "takes none"},
                {"get d1 --jsno", "did you mean --json?"},
                {"get d1 --status enabled", "--status does not belong to 'get'"},
                {"get d1 --frobnicate", "there is no option --frobnicate"},
                {"get d1 -x", "there is no option -x"},
                {"get d1 --json=yes", "--json takes no value"},
                {"get d1 --ca", "--ca needs a value"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(words_done) Words w;
                const char *said;

                ck_assert_int_eq(parse(cases[i].line, &w, &said), EXPLORER_USAGE);
                ck_assert_msg(strstr(said, cases[i].said), "%s: %s", cases[i].line, said);
                ck_assert_msg(strstr(said, "--help"), "%s: %s", cases[i].line, said);
        }
}
END_TEST

START_TEST(values_of_the_wrong_kind_are_told)
{
        static const char *const choices[] = {"one", "two", "three", NULL};
        _cleanup_(words_done) Words w;
        const char *said, *choice = NULL;
        uint64_t n = 7;
        usec_t t = 7;

        ck_assert_int_eq(parse("list --top 12x --timeout soon", &w, &said), EXPLORER_OK);
        said_begin(stderr);
        ck_assert_int_eq(words_number(&w, "top", 1, 10, &n), EXPLORER_USAGE);
        ck_assert_int_eq(words_time(&w, "timeout", &t), EXPLORER_USAGE);
        ck_assert_int_eq(words_choice(&w, "timeout", choices, &choice), EXPLORER_USAGE);
        said = said_end();
        ck_assert_ptr_nonnull(strstr(said, "from 1 to 10, not '12x'"));
        ck_assert_ptr_nonnull(strstr(said, "5min, not 'soon'"));
        ck_assert_ptr_nonnull(strstr(said, "takes one, two or three, not 'soon'"));
        ck_assert_uint_eq(n, 7);
        ck_assert_uint_eq(t, 7);
}
END_TEST

START_TEST(numbers_keep_their_bounds)
{
        static const struct {
                const char *line;
                int wanted;
        } cases[] = {
                {"list --top 1", EXPLORER_OK},   {"list --top 10", EXPLORER_OK}, {"list --top 0", EXPLORER_USAGE},
                {"list --top 11", EXPLORER_USAGE}, {"list --top -1", EXPLORER_USAGE}, {"list --top +1", EXPLORER_USAGE},
                {"list --top=", EXPLORER_USAGE}, {"list --top 99999999999999999999", EXPLORER_USAGE},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(words_done) Words w;
                const char *said;
                uint64_t n;

                ck_assert_int_eq(parse(cases[i].line, &w, &said), EXPLORER_OK);
                said_begin(stderr);
                ck_assert_int_eq(words_number(&w, "top", 1, 10, &n), cases[i].wanted);
                (void)said_end();
        }
}
END_TEST

START_TEST(secrets_are_wiped_from_the_line)
{
        static const char *const lines[] = {"--login topsecret get d1", "get d1 --login=topsecret",
                                            "create d1 --primary-key topsecret", "create d1 --secondary-key=topsecret"};

        for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
                _cleanup_(words_done) Words w;
                const char *said;
                bool kept = false;

                ck_assert_int_eq(parse(lines[i], &w, &said), EXPLORER_OK);
                for (char **word = argv; *word; word++)
                        ck_assert_msg(!strstr(*word, "topsecret"), "%s: %s", lines[i], *word);
                for (size_t k = 0; k < w.n_given; k++)
                        kept |= w.given[k].value && strcmp(w.given[k].value, "topsecret") == 0;
                ck_assert(kept);
        }
}
END_TEST

/* Where an option stands before its command, only its name tells whether the next word is its value. */
START_TEST(an_option_takes_a_value_everywhere_or_nowhere)
{
        for (size_t i = 0; i < n_commands; i++)
                for (const Option *a = commands[i]->options; a && a->name; a++) {
                        for (const Option *b = options_of_all; b->name; b++)
                                ck_assert_msg(strcmp(a->name, b->name) != 0, "%s: --%s is of all commands",
                                              commands[i]->name, a->name);
                        for (size_t k = 0; k < n_commands; k++)
                                for (const Option *b = commands[k]->options; b && b->name; b++)
                                        ck_assert_msg(strcmp(a->name, b->name) != 0 || !a->value == !b->value,
                                                      "--%s of '%s' and of '%s'", a->name, commands[i]->name,
                                                      commands[k]->name);
                }
}
END_TEST

START_TEST(every_command_can_be_found_and_helped)
{
        for (size_t i = 0; i < n_commands; i++) {
                const Command *c = commands[i];
                const char *said, *text;
                char words[128];

                ck_assert_ptr_nonnull(c->run);
                ck_assert_uint_le(c->n_least, c->n_most);
                ck_assert_uint_le(c->n_most, WORDS_OPERANDS_MAX);
                ck_assert_int_eq(*c->operands == 0, c->n_most == 0);
                (void)snprintf(words, sizeof(words), "%s --help", c->name);
                {
                        _cleanup_(words_done) Words w;

                        ck_assert_int_eq(parse(words, &w, &said), EXPLORER_OK);
                        ck_assert_ptr_eq(w.command, c);
                }
                said_begin(stdout);
                command_print_help(c);
                text = said_end();
                ck_assert_ptr_nonnull(strstr(text, c->name));
                ck_assert_ptr_nonnull(strstr(text, c->summary));
                for (const Option *o = c->options; o && o->name; o++)
                        ck_assert_msg(strstr(text, o->name), "%s: --%s", c->name, o->name);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("explorer/words");
        TCase *c = suite_case(s, "a command line is understood");

        tcase_add_test(c, options_stand_anywhere);
        tcase_add_test(c, commands_have_one_word_or_two);
        tcase_add_test(c, operands_may_begin_with_a_dash);
        tcase_add_test(c, options_given_several_times);
        tcase_add_test(c, numbers_keep_their_bounds);
        tcase_add_test(c, every_command_can_be_found_and_helped);
        tcase_add_test(c, an_option_takes_a_value_everywhere_or_nowhere);
        c = suite_case(s, "a mistake is told");
        tcase_add_test(c, mistakes_are_told_with_what_was_meant);
        tcase_add_test(c, values_of_the_wrong_kind_are_told);
        c = suite_case(s, "a secret does not stay where others read");
        tcase_add_test(c, secrets_are_wiped_from_the_line);
        return suite_run(s);
}

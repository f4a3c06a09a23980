/* SPDX-License-Identifier: Apache-2.0 */
/* How options may be written, and where parsing stops. */
#include "core/cli/options.c" /* of the program, not of the library */

static int tests, failures;

static void check(bool good, const char *name)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++tests, name);
    failures += !good;
}

/* What a line of words leaves behind, as text: "name=x flag=1 number=0 list=a,b rest=ID,-c |
 * error". */
static void parse(const char *line, char *result, size_t size)
{
    char copy[256], *words[16], **argv = words, *save = NULL;
    const char *name = "-";
    bool flag = false;
    unsigned number = 0;
    struct option_list list = {0};
    const struct option table[] = {
        {"name", 'n', OPTION_STRING, &name, "X", "a string"},
        {"flag", 'f', OPTION_FLAG, &flag, NULL, "a flag"},
        {"number", 0, OPTION_NUMBER, &number, "N", "a number"},
        {"list", 'l', OPTION_LIST, &list, "X", "a list"},
        {"ignored", 0, OPTION_STRING, NULL, "X", NULL},
        {"ignored-flag", 0, OPTION_FLAG, NULL, NULL, NULL},
        {0},
    };
    struct error err = {0};
    int argc = 0;
    size_t n;

    snprintf(copy, sizeof copy, "%s", line);
    for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
        words[argc++] = strcmp(w, "''") ? w : w + 2;
    options_parse(table, &argc, &argv, &err);
    n = (size_t)snprintf(result, size, "name=%s flag=%d number=%u list=", name, flag, number);
    for (size_t i = 0; i < list.count; i++)
        n += (size_t)snprintf(result + n, size - n, "%s%s", i ? "," : "", list.at[i]);
    n += (size_t)snprintf(result + n, size - n, " rest=");
    for (int i = 0; i < argc; i++)
        n += (size_t)snprintf(result + n, size - n, "%s%s", i ? "," : "", argv[i]);
    if (err.text[0])
        snprintf(result + n, size - n, " | %s", err.text);
    free(list.at);
}

static void expect(const char *line, const char *wanted)
{
    char got[512];

    parse(line, got, sizeof got);
    check(!strcmp(got, wanted), *line ? line : "nothing");
    if (strcmp(got, wanted))
        printf("# wanted %s\n# got    %s\n", wanted, got);
}

#define NONE "name=- flag=0 number=0 list="

static void spelling(void)
{
    expect("", NONE " rest=");
    expect("--name v ID", "name=v flag=0 number=0 list= rest=ID");
    expect("--name=v ID", "name=v flag=0 number=0 list= rest=ID");
    expect("-name v ID", "name=v flag=0 number=0 list= rest=ID");
    expect("-name=v ID", "name=v flag=0 number=0 list= rest=ID");
    expect("-n v ID", "name=v flag=0 number=0 list= rest=ID");
    expect("-n=v ID", "name=v flag=0 number=0 list= rest=ID");
    expect("--name= ID", "name= flag=0 number=0 list= rest=ID");
    expect("--name '' ID", "name= flag=0 number=0 list= rest=ID");
    expect("--name a=b --name=c=d ID", "name=c=d flag=0 number=0 list= rest=ID");
    expect("--name --flag ID", "name=--flag flag=0 number=0 list= rest=ID");
    expect("--list a -l b --list=c ID", "name=- flag=0 number=0 list=a,b,c rest=ID");
    expect("--ignored x --ignored-flag ID", NONE " rest=ID");
}

static void flags_and_numbers(void)
{
    expect("--flag ID", "name=- flag=1 number=0 list= rest=ID");
    expect("-f --flag=false ID", NONE " rest=ID");
    expect("--flag=true ID", "name=- flag=1 number=0 list= rest=ID");
    expect("--flag true", "name=- flag=1 number=0 list= rest=true");
    expect("--flag=yes ID", NONE " rest=ID | option --flag: \"yes\" is neither true nor false");
    expect("--number 4294967295", "name=- flag=0 number=4294967295 list= rest=");
    expect("--number 4294967296",
           NONE " rest= | option --number: \"4294967296\" is not a decimal number");
    expect("--number -1", NONE " rest= | option --number: \"-1\" is not a decimal number");
    expect("--number 0x10", NONE " rest= | option --number: \"0x10\" is not a decimal number");
    expect("--number=", NONE " rest= | option --number: \"\" is not a decimal number");
}

static void ends(void)
{
    expect("ID --flag", NONE " rest=ID,--flag");
    expect("--flag ID sh -c x", "name=- flag=1 number=0 list= rest=ID,sh,-c,x");
    expect("-- --flag", NONE " rest=--flag");
    expect("- --flag", NONE " rest=-,--flag");
    expect("'' --flag", NONE " rest=,--flag");
    expect("--name", NONE " rest= | flag needs an argument: --name");
    expect("-n", NONE " rest= | flag needs an argument: --name");
    expect("--unknown=3 ID", NONE " rest=ID | unknown option --unknown");
    expect("-x ID", NONE " rest=ID | unknown option -x");
    expect("--n v", NONE " rest=v | unknown option --n");
    expect("--names v", NONE " rest=v | unknown option --names");
    expect("--nam v", NONE " rest=v | unknown option --nam");
    expect("-nv", NONE " rest= | unknown option -nv");
    expect("--=v", NONE " rest= | unknown option --");
}

static void arguments(void)
{
    struct error err = {0};

    check(!arguments_expect("kill", 1, 1, 2, &err) && !arguments_expect("kill", 2, 1, 2, &err),
          "arguments in number");
    check(arguments_expect("kill", 0, 1, 2, &err) < 0 &&
              !strcmp(err.text, "kill: container ID missing"),
          "the ID is missing");
    check(arguments_expect("kill", 3, 1, 2, &err) < 0 &&
              !strcmp(err.text, "kill: too many arguments"),
          "too many arguments");
}

static void help(void)
{
    static const char *const words[] = {"--help", "-help", "-h"};

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        const struct option none[] = {{0}};
        char word[8], *argv[] = {word}, **rest = argv;
        struct error err = {0};
        int argc = 1, out = dup(STDOUT_FILENO);

        snprintf(word, sizeof word, "%s", words[i]);
        fflush(stdout);
        if (!freopen("/dev/null", "w", stdout))
            exit(1);
        int r = options_parse(none, &argc, &rest, &err);
        fflush(stdout);
        dup2(out, STDOUT_FILENO);
        close(out);
        check(r < 0 && err.errnum == OPTIONS_HELP, words[i]);
    }
}

int main(void)
{
    spelling();
    flags_and_numbers();
    ends();
    arguments();
    help();
    printf("1..%d\n", tests);
    return failures != 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A schemata file, and behind the first zero byte a line that is compared with it. The form of the line does not
 * matter, and what is equal to something is equal to itself. */
#include "tests/fuzz/fuzz.h"

#include <ctype.h>
#include <string.h>

#include "plugins/rdt/schemata.h"

/* The same with blanks around what separates, and with capitals behind the colon. */
static char *otherwise(const char *line)
{
    char *other = malloc(3 * strlen(line) + 1), *to = other;
    bool behind = false;

    must(other);
    for (; *line; line++) {
        bool separates = *line == ':' || (behind && strchr(";=", *line));

        behind |= *line == ':';
        if (separates)
            *to++ = ' ';
        *to++ = (char)(behind && *line != 'x' ? toupper((unsigned char)*line) : *line);
        if (separates)
            *to++ = '\t';
    }
    *to = '\0';
    return other;
}

void target(const char *bytes, size_t size)
{
    auto_free char *text = next_part(&bytes, &size, '\0'), *line = next_part(&bytes, &size, '\0'),
                   *other = otherwise(line);
    size_t length = 0;
    const char *found = schemata_line(text, line, &length);
    bool match = schemata_match(text, line, 0);

    must(!found ||
         (found >= text && found + length <= text + strlen(text) && !memchr(found, '\n', length)));
    must(schemata_match(text, other, 0) == match);
    must(schemata_match(text, line, 10) >= (match && schemata_names(line, "L3")));
    if (match)
        must(found && schemata_match(line, line, 0) && schemata_match(other, line, 0));
}

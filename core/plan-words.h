/* SPDX-License-Identifier: Apache-2.0 */
/* What the two printed forms of a plan, for people and for programs, have in common. */
#ifndef CORE_PLAN_WORDS_H
#define CORE_PLAN_WORDS_H

#include "core/json.h"
#include "core/plan.h"

struct plan_argument {
    char type;
    const char *name; /* of name_length bytes */
    int name_length;
    uint64_t value;
};

/* The process that a phase belongs to. */
const char *plan_process_name(unsigned phase);

/* The i-th argument; false behind the last. */
bool plan_argument(const struct plan_op *op, unsigned i, struct plan_argument *a);

/* The bits of an argument of type n, a, p, c or h as the words that config.json has for them. Calls
 * back once a word; bits without a word come last, as "0x…". */
typedef void (*plan_word)(struct text *out, const char *word, unsigned index);
void plan_words(struct text *out, char type, uint64_t value, plan_word emit);

/* Slots of one name are told apart by a number: $ns, $ns.2. */
void plan_slot_name(struct text *out, const struct plan_header *plan, uint64_t slot);

/* Hexadecimal: up to PLAN_BYTES_SHOWN bytes themselves, of more their FNV-1a hash of 32 bits, so
 * that a change of content is seen. */
#define PLAN_BYTES_SHOWN 16
void plan_bytes_text(struct text *out, const unsigned char *at, uint32_t size);

/* Cuts the next part off a template: text into *part, or the number of a late value. */
enum { PART_END = -1, PART_TEXT = -2 };
int plan_template_part(const char **template, struct text *part);

#endif

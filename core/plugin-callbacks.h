/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The callbacks of a plugin, in the order of a container's life: from this table come the stages, their
 * names, what state.json records of a plugin, `plugin info` and the table of docs/plugins.md.
 *
 * PURE: makes a plan, looks at nothing. HOST: looks, or acts, on the host.
 * NOW: in the execution that opened the plugin for its configuration. LATER: by other executions, which open
 * the plugin only if its state says that it has this callback.
 */
#ifndef CORE_PLUGIN_CALLBACKS_H
#define CORE_PLUGIN_CALLBACKS_H

/* clang-format off */
#define PLUGIN_CALLBACKS(CB)                                                                        \
    CB(ADJUST,      adjust,      PURE, NOW,   "compiling", "add to the configuration")              \
    CB(VALIDATE,    validate,    PURE, NOW,   "compiling", "refuse what rows cannot say")           \
    CB(PLAN,        plan,        PURE, NOW,   "compiling", "append to the plan, announce late values, tell the control group") \
    CB(PROBE,       probe,       HOST, NOW,   "create, before anything exists", "look at the host, change nothing") \
    CB(PREPARE,     prepare,     HOST, NOW,   "create: the state exists, no process does", "act on the host, fill late values, keep state") \
    CB(ATTACH,      attach,      HOST, NOW,   "create: the process is being made", "do what takes long, then wait for the blocked process and act on it") \
    CB(STARTED,     started,     HOST, LATER, "start: the program runs, poststart hooks do not yet", "a failure ends the container") \
    CB(EXEC,        exec,        PURE, LATER, "compiling an exec", "append to the plan of a process that joins") \
    CB(EXEC_ATTACH, exec_attach, HOST, LATER, "exec: that process is being made", "as attach")      \
    CB(UPDATE,      update,      PURE, LATER, "compiling an update", "refuse what changes, append work that does it") \
    CB(UPDATE_APPLY, update_apply, HOST, LATER, "update: every plugin has agreed", "do that work, or leave all as it was; keep state") \
    CB(UPDATE_UNDO, update_undo, HOST, LATER, "update: a plugin behind has failed, in reverse order", "make it as it was; keep state") \
    CB(STATS,       stats,       HOST, LATER, "events", "tell numbers")                              \
    CB(PAUSE,       pause,       HOST, LATER, "pause: the processes still run", "halt what is not a process; keep state") \
    CB(RESUME,      resume,      HOST, LATER, "resume: the processes run again; after a pause that failed", "the contrary") \
    CB(STOPPED,     stopped,     HOST, LATER, "delete: the processes are gone", "look at what they left; keep state") \
    CB(CLEANUP,     cleanup,     HOST, LATER, "delete, and after a failed create, in reverse order", "undo; keep state") \
    CB(RUNNER,      runner,      HOST, LATER, "any verb, of a container that is not run by the core", "make, start, signal and look at its processes; keep state")
/* clang-format on */

enum plugin_stage {
#define CB(id, member, purity, time, when, may) STAGE_##id,
    PLUGIN_CALLBACKS(CB)
#undef CB
        STAGE_COUNT,
    STAGE_NONE = STAGE_COUNT /* for the descriptors and lists that know no stage */
};

/* Sets of stages. */
#define IN(stage) (1u << STAGE_##stage)

enum {
#define PURE(stage) IN(stage) |
#define HOST(stage)
#define CB(id, member, purity, time, when, may) purity(id)
    STAGES_PURE = PLUGIN_CALLBACKS(CB) 0,
#undef PURE
#undef HOST
#undef CB
    STAGES_HOST = ((1u << STAGE_COUNT) - 1) & ~(unsigned)STAGES_PURE,
#define NOW(stage)
#define LATER(stage) IN(stage) |
#define CB(id, member, purity, time, when, may) time(id)
    STAGES_LATER = PLUGIN_CALLBACKS(CB) 0,
#undef NOW
#undef LATER
#undef CB
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of `plugin check`: the table from which the lines of TAP, their order and the manual
 * (docs/plugin-check.md) come. Function, what it needs of the points before it, what it gives to those behind it, what
 * the line says, and why.
 */
#ifndef CORE_PLUGIN_CHECK_H
#define CORE_PLUGIN_CHECK_H

/* clang-format off */
#define PLUGIN_POINTS(P)                                                                            \
    P(form,         SEEN,           SEEN,           "the file is called NAME.so", \
      "A directory of plugins is only listed: what a file serves is known by its name.")            \
    P(trust,        SEEN,           TRUSTED,        "it can be trusted where it lies", \
      "Nobody but root, or who runs hozo, may be able to put another file in its place. Where a plugin is built may be open to others: then this is skipped, if the file is the caller's alone to write.") \
    P(shared,       TRUSTED,        SHARED,         "it is a shared object for this machine", \
      "ELF, of the class and machine of this hozo, with a dynamic section.")                        \
    P(search_path,  SHARED,         SHARED,         "it names no directory to search for libraries", \
      "RPATH or RUNPATH lead the linker to directories that are not walked for trust.")             \
    P(relocations,  SHARED,         SHARED,         "its code is loaded as it lies in the file", \
      "Text relocations make code writable while it is loaded, and each process gets a copy. Compile with -fPIC.") \
    P(libraries,    SHARED,         SHARED,         "it needs no library but those of its language", \
      "Libraries that are linked in are loaded whenever somebody looks at the plugin: `features`, `plugin list`. Open heavy ones with hozo_dlopen(); name with --library what is meant to be linked in.") \
    P(constructors, SHARED,         SHARED,         "nothing of it runs when it is loaded", \
      "Constructors run in every hozo that opens the plugin, before it is known that it fits. In C++ these are global objects that a function makes.") \
    P(stack,        SHARED,         SAFE,           "it leaves the stack without the right to execute", \
      "One object that asks for it makes the stack of the whole process executable. It is not loaded.") \
    P(rehearsal,    SAFE,           HARMLESS,       "a process that loads it survives", \
      "Another process loads it first: no crash, no exit, no wait.")                                \
    P(loading,      HARMLESS,       LOADED,         "it is loaded, and has hozo_plugin of its own", \
      "All symbols are resolved at once, and the descriptor lies in this file and not in a library.") \
    P(census,       LOADED,         LOADED,         "loading it leaves no thread and no descriptor", \
      "hozo makes processes and counts descriptors: both have to be its own.")                      \
    P(exports,      LOADED,         LOADED,         "it exports hozo_plugin and nothing else", \
      "Further symbols may meet those of other plugins and libraries. Compile with -fvisibility=hidden; templates of C++ need a version script as well.") \
    P(interface,    LOADED,         SAME_INTERFACE, "its interface is that of this hozo", \
      "Magic number, version, size, and no flag that this hozo does not know.")                     \
    P(content,      SAME_INTERFACE, SOUND,          "its descriptor is sound", \
      "Name, version and package; tables whose rows are complete; types that agree with the specification's; fields that are a plugin's to serve.") \
    P(own_name,     SOUND,          SOUND,          "the file's name is one of its names", \
      "A renamed file is not opened.")                                                              \
    P(names,        SOUND,          SOUND,          "each of its names is one that hozo opens", \
      "A section of the specification that plugins serve, an annotation of two labels, a watcher, a service.") \
    P(behind_names, SOUND,          SOUND,          "each of its names has something behind it", \
      "A field that is owned there, an annotation that is declared, a callback that watches.")      \
    P(owned,        SOUND,          SOUND,          "what it declares can be reached, and has a callback", \
      "A field that nobody opens the plugin for is never served; one without a callback is swallowed.") \
    P(duplicates,   SOUND,          SOUND,          "no row stands twice", \
      "Of two rows for one path, one says nothing.")                                                \
    P(docs,         SOUND,          SOUND,          "each row says in one line what it is", \
      "`plugin info` and the manual print it.")                                                     \
    P(features,     SOUND,          SOUND,          "its features are JSON, of keys that there are", \
      "Engines parse what `features` prints.")                                                      \
    P(order,        SOUND,          SOUND,          "its order can be kept", \
      "Not before and after the same plugin, nor itself.")                                          \
    P(same_plan,    FLAWLESS,       FLAWLESS,       "its plan is the same whenever it is made", \
      "The pure callbacks run for each configuration in two processes, whose environment, working directory and fresh memory differ; plan, or error, must not.") \
    P(pure_faults,  FLAWLESS,       FLAWLESS,       "its pure callbacks fail when the host does", \
      "Each call of the host that can fail does so, one at a time. The callback must not crash, and return -1; after a call that only reads (`hozo_find`, `_item`, `_fact`, `_annotation`, `_setting`, `_changed`, `_state_find`, `_next_work`) it may go on, since that error stays with the host.") \
    P(host_faults,  FLAWLESS,       FLAWLESS,       "its stages on the host fail when the host does", \
      "The same of probe, prepare, attach, started, exec_attach, update_apply, update_undo, stats, pause, resume, stopped and cleanup. They run in a sandbox, as nobody, with all file systems read-only, no network and no capability: hardly anything succeeds there, and they must say so.")    \
    P(cleanup,      FLAWLESS,       FLAWLESS,       "cleanup succeeds after each failure, and once more", \
      "After every failure of a stage before, and with nothing kept, stopped and cleanup are called, and called again, each in a process of its own that knows only the state: they must succeed.")
/* clang-format on */

#endif

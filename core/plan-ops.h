/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations of a plan, as one table. The builder, the decoder's check, the printer, the
 * interpreter and the documentation are made from it.
 *
 * An argument is a letter and a name:
 *     s  string            l  list of strings
 *     t  template          T  list of templates (strings that may hold late values, see plan.h)
 *     b  bytes             u  number            d  signed number
 *     o  octal number      x  bits              n  namespaces (CLONE_NEW*)
 *     a  mount attributes  p  propagation (MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE | MS_REC)
 *     c  capabilities      r  slot that is read w  slot that is filled
 *     L  late value, 0: none
 * A string or list may be absent where the interpreter says so.
 *
 * Paths named `target` or `path` beside a slot `root` are paths of the container: they are
 * resolved below that slot with openat2(RESOLVE_IN_ROOT), whatever symbolic links say.
 */
#ifndef CORE_PLAN_OPS_H
#define CORE_PLAN_OPS_H

#define PLAN_ARGS_MAX 10

/* clang-format off */
#define PLAN_OPS(OP)                                                                               \
    /* the runtime, on the host: phases prepare, attach, create-runtime, limits */                 \
    OP(WORK,          "work",           "s:what s:value b:data")     /* by the owner's prepare */  \
    OP(PROCFS,        "procfs",         "w:proc")                    /* detached, hozo's own */    \
    OP(FIFO,          "fifo",           "s:name w:fifo")             /* in the container's state */\
    OP(OPEN_NS,       "open-ns",        "n:type s:path w:ns")                                      \
    OP(USER_NS,       "user-ns",        "s:uids s:gids w:ns")        /* nobody's: for an idmapped mount */ \
    OP(OWN_NS,        "own-ns",         "n:type w:ns")               /* of the inside process */   \
    OP(MAP,           "map",            "s:file s:value s:program")  /* of its user namespace */   \
    OP(SAME_MAP,      "same-map",       "s:file s:value")            /* a joined one says so already */ \
    OP(RECORD,        "record",         "")                          /* pid and start time are on disk */ \
    OP(RLIMIT,        "rlimit",         "s:name u:resource u:soft u:hard")                         \
    OP(AFFINITY,      "affinity",       "s:cpus b:mask")             /* of the runtime, then of the process */ \
    OP(SCHEDULER,     "scheduler",      "s:policy u:number x:flags d:nice u:priority u:runtime u:deadline u:period") \
    OP(IO_PRIORITY,   "io-priority",    "s:class u:number u:level")                                \
    OP(HOOK,          "hook",           "s:path l:args l:env u:timeout t:state") /* host or inside */ \
    /* the stage process: still in the runtime's namespaces, credentials and root */               \
    OP(OOM_SCORE,     "oom-score",      "r:proc d:value")                                          \
    OP(JOIN,          "join",           "n:type r:ns u:final")  /* not final: may be refused, tried again */ \
    OP(UNSHARE,       "unshare",        "n:new")                     /* for those born from now on */ \
    OP(TRACEABLE,     "traceable",      "")                 /* until an ordinary user has mapped ids */ \
    OP(CLONE,         "clone",          "n:new")                     /* the inside process */      \
    /* the helper: in the mount namespace of the inside process, with the runtime's credentials */ \
    OP(PLACE,         "place",          "s:path w:place")            /* a directory to mount on */ \
    OP(SOURCE,        "source",         "t:source u:recursive w:tree") /* a detached copy */       \
    OP(IDMAP,         "idmap",          "r:tree r:ns u:recursive")                                 \
    /* the inside process, before its root is its root */                                          \
    OP(CLOSE,         "close",          "r:slot")                                                  \
    OP(SESSION,       "session",        "")                          /* setsid */                  \
    OP(KEYRING,       "keyring",        "")                          /* a new session keyring */   \
    OP(TREE,          "tree",           "p:propagation")             /* of every mount below / */  \
    OP(ROOT,          "root",           "s:path w:root p:propagation") /* bound on itself, opened */ \
    OP(ATTACH_ROOT,   "attach-root",    "r:tree r:place w:root")     /* the same, from the helper */ \
    OP(MOUNT,         "mount",          "r:root s:target s:fstype s:source l:options a:set p:propagation h:how") \
    OP(BIND,          "bind",           "r:root s:target t:source u:recursive a:set a:clear a:rset a:rclear p:propagation h:how") \
    OP(BIND_TREE,     "bind-tree",      "r:root s:target r:tree a:set a:clear a:rset a:rclear p:propagation h:how") \
    OP(REMOUNT,       "remount",        "r:root s:target a:set a:clear a:rset a:rclear p:propagation") \
    OP(MKDIR,         "mkdir",          "r:root s:path o:mode")      /* with missing parents */    \
    OP(SYMLINK,       "symlink",        "r:root s:path s:target h:how")                            \
    OP(MKNOD,         "mknod",          "r:root s:path o:mode u:major u:minor u:uid u:gid")        \
    OP(BIND_NODE,     "bind-node",      "r:root s:path o:type u:major u:minor") /* of the host */  \
    OP(CONSOLE,       "console",        "r:root u:rows u:columns u:uid h:how")                     \
    OP(PIVOT,         "pivot",          "r:root")                                                  \
    OP(MOVE_ROOT,     "move-root",      "r:root")                    /* --no-pivot: for ramfs */   \
    /* the inside process, in its own root */                                                      \
    OP(WRITE,         "write",          "r:dir s:path t:value x:magic") /* statfs must say magic */\
    OP(HOSTNAME,      "hostname",       "s:name")                                                  \
    OP(DOMAINNAME,    "domainname",     "s:name")                                                  \
    OP(MASK,          "mask",           "r:root s:path s:option")    /* absent: nothing to mask */ \
    OP(READONLY,      "readonly",       "r:root s:path")             /* absent: nothing to do */   \
    OP(ROOT_ATTR,     "root-attr",      "r:root a:set p:propagation")                              \
    OP(UMASK,         "umask",          "o:mask")                                                  \
    OP(CHOWN_STDIO,   "chown-stdio",    "u:uid")                                                   \
    OP(PERSONALITY,   "personality",    "s:domain x:value")                                        \
    OP(HOME,          "home",           "r:root u:uid")              /* fills the late value home */ \
    OP(SYSCALL,       "syscall",        "s:name u:number x:pointers b:memory x:a0 x:a1 x:a2 x:a3 x:a4 x:a5") \
    OP(OWN_PROCFS,    "own-procfs",     "w:proc")                    /* of the container's processes */ \
    OP(LABEL,         "label",          "r:proc s:file s:label")     /* opened here, written by exec */ \
    OP(LABEL_ROOT,    "label-root",     "r:root s:target x:magic s:attribute s:label") /* of a mount */ \
    /* who the user program is */                                                                  \
    OP(SECCOMP,       "seccomp",        "x:flags b:filter L:late s:listener s:metadata")           \
    OP(NO_NEW_PRIVS,  "no-new-privs",   "")                                                        \
    OP(BOUNDING,      "bounding",       "c:keep")                                                  \
    OP(CHDIR,         "chdir",          "s:path u:final")  /* not final: may be refused, tried again */ \
    OP(IDS,           "ids",            "u:uid u:gid b:groups")      /* keeps capabilities */      \
    OP(CAPABILITIES,  "capabilities",   "c:effective c:permitted c:inheritable c:ambient")         \
    OP(FIND_EXEC,     "find-exec",      "s:file s:path")             /* with the user's rights */  \
    /* the end */                                                                                  \
    OP(REPORT,        "report",         "")                          /* all is set up */           \
    OP(WAIT_START,    "wait-start",     "r:start r:result")                                        \
    OP(EXEC,          "exec",           "l:args T:env")                                            \
    /* a virtual machine: what its process on the host needs (prepare, enter, exec) */              \
    OP(CONTROL,       "control",        "s:name w:socket")           /* in the container's state, listening */ \
    OP(LOG,           "log",            "s:name w:file")             /* in the container's state */ \
    OP(EMPTY_ROOT,    "empty-root",     "s:path w:root")             /* a tmpfs, mounted there */   \
    OP(MACHINE,       "machine",        "r:monitor r:guest r:control r:start r:result r:log r:setup r:initrd l:args") \
    OP(VISIT,         "visit",          "r:monitor r:guest r:control l:args") /* of exec */

/* The phases, in order: whose they are, and what happens (docs/plan.md has the table). */
#define PLAN_PHASES(PHASE)                                                                         \
    PHASE(PREPARE,          "prepare",          RUNTIME, "what has to be there before any process: control groups with their limits, FIFOs, descriptors") \
    PHASE(STAGE,            "stage",            STAGE,   "what only a process of the host may do to itself, and joining namespaces that exist") \
    PHASE(CLONE,            "clone",            STAGE,   "the inside process is born into the new namespaces") \
    PHASE(ATTACH,           "attach",           RUNTIME, "what needs the new process, but must be done before it goes on") \
    PHASE(ENTER,            "enter",            INSIDE,  "session, keyring, a mount tree that hides nothing from the host and shows it nothing, the root") \
    PHASE(SOURCES,          "sources",          HELPER,  "sources of bind mounts that the inside process may not open") \
    PHASE(MOUNTS,           "mounts",           INSIDE,  "the mounts of the configuration, in its order") \
    PHASE(DEVICES,          "devices",          INSIDE,  "nodes and links in `/dev`, the terminal, the working directory") \
    PHASE(CREATE_RUNTIME,   "create-runtime",   RUNTIME, "hooks of the kinds `prestart` and `createRuntime`") \
    PHASE(CREATE_CONTAINER, "create-container", INSIDE,  "hooks of the kind `createContainer`") \
    PHASE(ROOT,             "root",             INSIDE,  "the container's root becomes the root") \
    PHASE(SYSTEM,           "system",           INSIDE,  "kernel settings, names, what is read-only or hidden; the root itself last") \
    PHASE(PROCESS,          "process",          INSIDE,  "what the program inherits: file mode mask, streams, late environment") \
    PHASE(LIMITS,           "limits",           RUNTIME, "resource limits and scheduling, which the set-up itself might not survive") \
    PHASE(IDENTITY,         "identity",         INSIDE,  "capabilities and ids of the user; the program is looked for with the user's rights") \
    PHASE(WAIT,             "wait",             INSIDE,  "all is done: `create` returns, and `start` is waited for") \
    PHASE(START_CONTAINER,  "start-container",  INSIDE,  "hooks of the kind `startContainer`") \
    PHASE(EXEC,             "exec",             INSIDE,  "the program")

/* What exactly failed within an operation: goes over the wire as a number, is printed as text. */
#define PLAN_STEPS(STEP)                                                                           \
    STEP(NONE, "")                                                                                 \
    STEP(TARGET, "open target")                                                                    \
    STEP(CREATE_TARGET, "create target")                                                           \
    STEP(SOURCE, "open source")                                                                    \
    STEP(FSOPEN, "fsopen")                                                                         \
    STEP(FSCONFIG, "fsconfig")                                                                     \
    STEP(FSMOUNT, "fsmount")                                                                       \
    STEP(OPEN_TREE, "open_tree")                                                                   \
    STEP(IDMAP, "idmapped mount")                                                                  \
    STEP(MOUNT_SETATTR, "mount_setattr")                                                           \
    STEP(MOVE_MOUNT, "move_mount")                                                                 \
    STEP(COPY_UP, "copy up")                                                                       \
    STEP(MOUNT, "mount")                                                                           \
    STEP(UNMOUNT, "unmount old root")                                                              \
    STEP(PIVOT_ROOT, "pivot_root")                                                                 \
    STEP(CHROOT, "chroot")                                                                         \
    STEP(CHDIR, "chdir")                                                                           \
    STEP(GETCWD, "directory is outside the container")                                             \
    STEP(OPEN, "open")                                                                             \
    STEP(WRITE, "write")                                                                           \
    STEP(VERIFY, "not the file that it should be")                                                 \
    STEP(MKDIR, "mkdir")                                                                           \
    STEP(MKNOD, "mknod")                                                                           \
    STEP(CHOWN, "chown")                                                                           \
    STEP(CHMOD, "chmod")                                                                           \
    STEP(SYMLINK, "symlink")                                                                       \
    STEP(LABEL, "write label")                                                                     \
    STEP(FILTER, "install filter")                                                                 \
    STEP(PTY, "open pseudo-terminal")                                                              \
    STEP(CTTY, "set controlling terminal")                                                         \
    STEP(SEND, "send to runtime")                                                                  \
    STEP(RECEIVE, "receive descriptor")                                                            \
    STEP(FORK, "fork")                                                                             \
    STEP(EXECVE, "execve")                                                                         \
    STEP(DIRECTORY, "is a directory")                                                              \
    STEP(EXIT_STATUS, "exited with a failure")                                                     \
    STEP(SIGNALED, "killed by a signal")                                                           \
    STEP(TIMEOUT, "timed out")                                                                     \
    STEP(SETNS, "setns")                                                                           \
    STEP(CLONE3, "clone3")                                                                         \
    STEP(SETGROUPS, "setgroups")                                                                   \
    STEP(SETGID, "setgid")                                                                         \
    STEP(SETUID, "setuid")                                                                         \
    STEP(CAPSET, "capset")                                                                         \
    STEP(AMBIENT, "raise ambient")                                                                 \
    STEP(PRCTL, "prctl")                                                                           \
    STEP(MEMORY, "out of memory")
/* clang-format on */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* From the first message to the user program: who it is, how it is found, what a failure says. */
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tests/unit/init_harness.h"

static const char *const no_env[] = {NULL};

/* --- find-exec
 * ------------------------------------------------------------------------------------------ */

static struct outcome find(const char *file, const char *path)
{
    struct plan_builder *b = new_plan();

    plan_op(b, PHASE_IDENTITY, FIND_EXEC, "process.args", STR(file), STR(path));
    return run(b, SCENE(0));
}

static bool finds(const char *file, const char *path)
{
    struct outcome o = find(file, path);

    return succeeded(&o);
}

static bool refuses(const char *file, const char *path, int errnum)
{
    struct outcome o = find(file, path);

    return failed(&o, 0, errnum, STEP_NONE);
}

static void programs(void)
{
    struct outcome o;

    mkdir("bin", 0755);
    mkdir("bin/directory", 0755);
    mkdir("more", 0755);
    write_text("bin/tool", "#!/bin/sh\n");
    chmod("bin/tool", 0755);
    write_text("bin/plain", "");
    write_text("more/plain", "#!/bin/sh\n");
    chmod("more/plain", 0755);
    write_text("here", "#!/bin/sh\n");
    chmod("here", 0755);
    mkfifo("bin/fifo", 0755);
    check(finds("tool", "/nowhere:bin"), "found in PATH");
    check(finds("plain", "bin:more"), "what may not be executed is passed over");
    check(refuses("plain", "bin:/nowhere", EACCES), "and reported if there is no other");
    check(refuses("tool", "/nowhere:more", ENOENT), "not found");
    check(refuses("directory", "bin", ENOENT), "a directory in PATH is passed over");
    o = find("./bin/directory", NULL);
    check(failed(&o, 0, EACCES, STEP_DIRECTORY), "a directory by its name");
    check(refuses("./bin/plain", NULL, EACCES), "no right to execute");
    check(refuses("./bin/fifo", NULL, EACCES), "no file");
    check(refuses("./bin/none", NULL, ENOENT) && refuses("./bin/tool/x", NULL, ENOTDIR),
          "not there");
    check(finds("./bin/tool", "/nowhere"), "a name with a slash is not searched for");
    check(refuses("here", "bin", ENOENT), "the working directory is not searched unasked");
    check(finds("here", ":bin") && finds("here", "bin::more") && finds("here", "bin:"),
          "an empty element of PATH is the working directory: first, middle, last");
    check(refuses("here", "", ENOENT), "an empty PATH holds nothing");
    check(finds("sh", NULL), "no PATH: the usual directories");
    check(refuses("", NULL, ENOENT) && refuses(NULL, NULL, ENOENT), "no name");
    check(refuses("tool", "bin/tool", ENOENT), "a file in PATH");
}

/* --- syscall
 * -------------------------------------------------------------------------------------------- */

static int has_name(void)
{
    char name[16] = "";

    prctl(PR_GET_NAME, name, 0, 0, 0);
    return strcmp(name, "renamed");
}

static struct outcome system_call(long number, unsigned pointers, const void *memory, size_t size,
                                  const uint64_t *a, int (*probe)(void))
{
    struct plan_builder *b = new_plan();

    plan_op(b, PHASE_PROCESS, SYSCALL, "linux.x", STR("x"), NUM(number), NUM(pointers),
            BYTES(memory, size), NUM(a[0]), NUM(a[1]), NUM(a[2]), NUM(a[3]), NUM(a[4]), NUM(a[5]));
    return run(b, SCENE(.probe = probe));
}

static void system_calls(void)
{
    static const char memory[] = "xxxrenamed\0called\n";
    struct outcome o;

    o = system_call(SYS_prctl, 2, memory, sizeof memory, (uint64_t[6]){PR_SET_NAME, 3}, has_name);
    check(succeeded(&o), "a pointer into the memory");
    o = system_call(SYS_renameat2, 1 << 1 | 1 << 3, "from-here\0to-there", 19,
                    (uint64_t[6]){(uint64_t)AT_FDCWD, 0, (uint64_t)AT_FDCWD, 10, 0, 0}, NULL);
    check(failed(&o, 0, ENOENT, STEP_NONE), "its errno");
    write_text("from-here", "moved");
    o = system_call(SYS_renameat2, 1 << 1 | 1 << 3, "from-here\0to-there", 19,
                    (uint64_t[6]){(uint64_t)AT_FDCWD, 0, (uint64_t)AT_FDCWD, 10, 0, 0}, NULL);
    check(succeeded(&o) && !strcmp(read_text("to-there"), "moved"), "two pointers among numbers");
    o = system_call(SYS_getpid, 0, "", 0, (uint64_t[6]){0}, NULL);
    check(succeeded(&o), "no memory");
}

/* --- who it is
 * -------------------------------------------------------------------------------------------- */

static int is_user(void)
{
    gid_t groups[4];
    uid_t r, e, s;

    if (getresuid(&r, &e, &s) || r != 1000 || e != 1000 || s != 1000)
        return 1;
    if (getresgid(&r, &e, &s) || r != 1001 || e != 1001 || s != 1001)
        return 2;
    if (getgroups(4, groups) != 2 || groups[0] != 5 || groups[1] != 6)
        return 3;
    if (prctl(PR_GET_DUMPABLE) != 0)
        return 4;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_KEEPCAPS) != 0)
        return 5;
    if (!strstr(read_text("/proc/self/status"), "CapBnd:\t0000000000000401"))
        return 6;
    if (!strstr(read_text("/proc/self/status"), "CapPrm:\t0000000000000400") ||
        !strstr(read_text("/proc/self/status"), "CapAmb:\t0000000000000400"))
        return 7;
    return 0;
}

static void dumpable(struct plan_header *plan)
{
    (void)plan;
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static struct plan_builder *ids(uint64_t uid, uint64_t gid)
{
    static const uint32_t groups[] = {5, 6};
    struct plan_builder *b = new_plan();

    plan_op0(b, PHASE_IDENTITY, NO_NEW_PRIVS, NULL);
    plan_op(b, PHASE_IDENTITY, BOUNDING, NULL, NUM(0x401));
    plan_op(b, PHASE_IDENTITY, IDS, "process.user", NUM(uid), NUM(gid),
            BYTES(groups, sizeof groups));
    plan_op(b, PHASE_IDENTITY, CAPABILITIES, NULL, NUM(0x400), NUM(0x400), NUM(0x400), NUM(0x400));
    return b;
}

static void identity(void)
{
    struct outcome o;

    if (skip_unprivileged("identity"))
        return;
    o = run(ids(1000, 1001), SCENE(.probe = is_user, .before = dumpable));
    if (!check(succeeded(&o), "user, groups, capabilities, not dumpable"))
        printf("# probe %#x\n", (unsigned)o.status);
    o = run(ids(UINT32_MAX, 0), SCENE(0));
    check(failed(&o, 2, EINVAL, STEP_NONE), "user 2^32-1, which would stay root");
    o = run(ids(1000, UINT64_C(1) << 32), SCENE(0));
    check(failed(&o, 2, EINVAL, STEP_NONE), "group 2^32, which would become 0");
}

static struct outcome change_directory(const char *path, void (*before)(struct plan_header *))
{
    struct plan_builder *b = new_plan();

    plan_op(b, PHASE_IDENTITY, CHDIR, "process.cwd", STR(path), NUM(0));
    plan_op(b, PHASE_IDENTITY, CHDIR, "process.cwd", STR(path), NUM(1));
    return run(b, SCENE(.before = before));
}

/* A descriptor of the host's root, kept, and then a root of its own: what CVE-2024-21626 went back
 * by. */
static void leak_root(struct plan_header *plan)
{
    int fd = open("/", O_PATH | O_DIRECTORY);

    (void)plan;
    dup2(fd, 77);
    if (mkdir("jail", 0755) < 0 || chroot("jail") < 0 || chdir("/") < 0)
        _exit(97);
    /* As if /proc/self/fd/77 had been resolved. */
    if (fchdir(77) < 0)
        _exit(96);
}

static void directories(void)
{
    struct outcome o = change_directory("/tmp", NULL);

    check(succeeded(&o), "a working directory");
    o = change_directory("/nowhere", NULL);
    check(failed(&o, 0, ENOENT, STEP_NONE), "one that is not there");
    if (skip_unprivileged("a working directory outside"))
        return;
    o = change_directory(".", leak_root);
    check(failed(&o, 1, ENOENT, STEP_GETCWD), "one that lies outside of the root");
    rmdir("jail");
}

/* --- the conversation
 * -------------------------------------------------------------------------------------- */

static void conversation(void)
{
    struct plan_builder *b = new_plan();
    struct outcome o;

    plan_op(b, PHASE_STAGE, JOIN, NULL, NUM(0), SLOT(plan_slot(b, "x")), NUM(1));
    plan_op(b, PHASE_CLONE, CLONE, NULL, NUM(0));
    plan_op(b, PHASE_LIMITS, RLIMIT, NULL, STR("x"), NUM(7), NUM(9), NUM(9));
    plan_op(b, PHASE_LIMITS, RLIMIT, NULL, STR("y"), NUM(7), NUM(9), NUM(9));
    plan_op(b, PHASE_PREPARE, WORK, NULL, STR(NULL), STR(NULL), BYTES(NULL, 0));
    plan_op(b, PHASE_ATTACH, WORK, NULL, STR(NULL), STR(NULL), BYTES(NULL, 0));
    o = run(b, SCENE(.stage = true));
    check(succeeded(&o) && o.born && o.phases == 1u << PHASE_LIMITS,
          "born, let go, and asks for the runtime's phases within its own");

    b = new_plan();
    plan_op(b, PHASE_CLONE, CLONE, NULL, NUM(0));
    plan_op(b, PHASE_ENTER, MKDIR, NULL, SLOT(plan_slot(b, "root")), STR("/made-by-nobody"),
            NUM(0755));
    o = run(b, SCENE(.stage = true, .close_at = SYNC_BORN));
    check(o.born && o.status == 1 << 8 && o.errnum == -1,
          "end of file ends the process that waits");

    b = new_plan();
    plan_op(b, PHASE_CREATE_RUNTIME, WORK, NULL, STR(NULL), STR(NULL), BYTES(NULL, 0));
    o = run(b, SCENE(.close_at = SYNC_PHASE));
    check(o.status == 1 << 8, "end of file while it waits for a phase");

    b = new_plan();
    plan_op(b, PHASE_ENTER, MKDIR, NULL, SLOT(plan_slot(b, "root")), STR("/made-by-stage"),
            NUM(0755));
    o = run(b, SCENE(.stage = true));
    check(failed(&o, 0, EPERM, STEP_NONE) && access("/made-by-stage", F_OK) < 0,
          "the stage process does nothing that is the inside process's");

    b = new_plan();
    plan_slot(b, "root");
    plan_op(b, PHASE_ENTER, MKDIR, NULL, SLOT(0), STR("/made-too-early"), NUM(0755));
    plan_op(b, PHASE_ROOT, ROOT, NULL, STR("/"), SLOT(0), NUM(0));
    o = run(b, SCENE(0));
    check(failed(&o, 0, EBADF, STEP_MKDIR) && access("/made-too-early", F_OK) < 0,
          "the root's slot is not the host's root before there is a root");

    b = new_plan();
    plan_op(b, PHASE_ENTER, RLIMIT, NULL, STR("x"), NUM(7), NUM(9), NUM(9));
    o = run(b, SCENE(0));
    check(failed(&o, 0, ENOSYS, STEP_NONE), "an operation of the runtime in a phase inside");
}

static void failures_told(void)
{
    struct plan_builder *b = new_plan();
    struct outcome o;

    plan_op(b, PHASE_ENTER, UMASK, NULL, NUM(022));
    plan_op(b, PHASE_PROCESS, WRITE, "linux.sysctl", SLOT(plan_slot(b, "x")), STR("y"), STR("z"),
            NUM(1));
    o = run(b, SCENE(0));
    check(failed(&o, 1, EBADF, STEP_OPEN), "a failure says operation, errno and step");
}

/* --- start
 * ------------------------------------------------------------------------------------------------
 */

/* The FIFOs as the runtime makes them, and a descriptor that is used only while the container is
 * made. */
static void open_slots(struct plan_header *plan)
{
    plan_slots(plan)[0].fd = open("start", O_RDWR | O_CLOEXEC);
    plan_slots(plan)[1].fd = open("result", O_RDWR | O_CLOEXEC);
    plan_slots(plan)[2].fd = fcntl(open("/", O_PATH | O_CLOEXEC), F_DUPFD_CLOEXEC, 202);
}

static struct {
    char bytes[1 + sizeof(struct sync_failure)];
    size_t size;
    bool spent; /* that descriptor was closed when the process waited */
} answer;

/* What `hozo start` does. */
static void start(pid_t pid)
{
    auto_close int result = open("result", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    auto_close int fifo = open("start", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    char path[64];
    ssize_t n;

    snprintf(path, sizeof path, "/proc/%d/fd/202", (int)pid);
    memset(&answer, 0, sizeof answer);
    answer.spent = faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
    if (write(fifo, "", 1) != 1)
        abort();
    for (;;) {
        struct pollfd p = {result, POLLIN, 0};

        if (poll(&p, 1, 10000) <= 0)
            return;
        n = read(result, answer.bytes + answer.size, sizeof answer.bytes - answer.size);
        if (n <= 0)
            return;
        answer.size += (size_t)n;
    }
}

static struct plan_builder *start_plan(const char *hook, const char *program)
{
    const char *const hook_args[] = {"sh", "-c", hook, NULL};
    const char *const args[] = {"the-program", "-c",
                                "echo ran $0 > ran; exec ls /proc/self/fd > fds", NULL};
    struct plan_builder *b = new_plan();

    plan_slot(b, "start");
    plan_slot(b, "result");
    plan_slot(b, "other");
    plan_op(b, PHASE_ENTER, MKDIR, NULL, SLOT(2), STR("/tmp"), NUM(0755));
    plan_op(b, PHASE_IDENTITY, FIND_EXEC, "process.args", STR(program), STR(NULL));
    plan_op0(b, PHASE_WAIT, REPORT, NULL);
    plan_op(b, PHASE_WAIT, WAIT_START, NULL, SLOT(0), SLOT(1));
    if (hook) {
        plan_op(b, PHASE_START_CONTAINER, HOOK, "hooks.startContainer[0]", STR("/bin/sh"),
                LIST(hook_args), LIST(no_env), NUM(0), TEMPLATE("{}"));
        plan_what(b, "hook /bin/sh");
    }
    plan_op(b, PHASE_EXEC, EXEC, "process.args", LIST(args), TEMPLATES(no_env));
    plan_what(b, "exec: \"%s\"", program);
    return b;
}

/* The answer is a failure with these texts, `before` bytes into it. */
static bool told(size_t before, uint32_t op, int errnum, enum plan_step step, const char *path,
                 const char *what)
{
    size_t texts = offsetof(struct sync_failure, text), length = strlen(path) + strlen(what) + 2;
    struct sync_failure f;

    if (answer.size != before + texts + length || (before && answer.bytes[0] != START_EXECUTING))
        return false;
    memcpy(&f, answer.bytes + before, answer.size - before);
    return f.message.type == SYNC_FAILED && f.message.value == op && f.message.errnum == errnum &&
           f.message.step == step && !strcmp(f.text, path) &&
           !strcmp(f.text + strlen(path) + 1, what);
}

static void no_more(struct plan_header *plan)
{
    open_slots(plan);
    unlink("gone");
}

static void starts(void)
{
    char path[400], what[1024];
    struct plan_builder *b;
    struct outcome o;

    mkfifo("start", 0600);
    mkfifo("result", 0600);
    o = run(start_plan(NULL, "/bin/sh"), SCENE(.before = open_slots, .created = start));
    check(o.created && o.errnum == -1 && answer.size == 1 && answer.bytes[0] == START_EXECUTING &&
              !o.status && !strcmp(read_text("ran"), "ran the-program\n"),
          "started: 'x' and end of file");
    if (!geteuid())
        check(answer.spent, "while it waits, it holds no descriptor that it does not need");
    /* The last is that of the directory itself. */
    check(!strcmp(read_text("fds"), "0\n1\n2\n3\n"), "the program has three descriptors");
    unlink("ran");
    o = run(start_plan("exit 5", "/bin/sh"), SCENE(.before = open_slots, .created = start));
    check(o.created && o.errnum == -1 && access("ran", F_OK) < 0 &&
              told(0, 4, 5, STEP_EXIT_STATUS, "hooks.startContainer[0]", "hook /bin/sh"),
          "a hook fails: who starts is told, in words");
    write_text("bad", "no program");
    chmod("bad", 0755);
    o = run(start_plan(NULL, "./bad"), SCENE(.before = open_slots, .created = start));
    check(o.created && told(1, 4, ENOEXEC, STEP_EXECVE, "process.args", "exec: \"./bad\""),
          "execve fails: 'x', and then why");
    b = start_plan("exit 0", "/bin/sh");
    memset(path, 'p', sizeof path - 1);
    memset(what, 'w', sizeof what - 1);
    path[sizeof path - 1] = what[sizeof what - 1] = '\0';
    plan_op(b, PHASE_START_CONTAINER, CHDIR, path, STR("/nowhere"), NUM(1));
    plan_what(b, "%s", what);
    o = run(b, SCENE(.before = no_more, .created = start));
    path[255] = '\0';
    check(o.created && told(0, 5, ENOENT, STEP_NONE, path, what),
          "long texts are cut, in one piece");
}

/* `exec` has no wait: the conversation itself ends with execve, or with its failure. */
static void execs(void)
{
    static const char *const args[] = {"sh", "-c", "exit 3", NULL};
    struct plan_builder *b = new_plan();
    struct outcome o;

    plan_op(b, PHASE_IDENTITY, FIND_EXEC, NULL, STR("/bin/sh"), STR(NULL));
    plan_op0(b, PHASE_WAIT, REPORT, NULL);
    plan_op(b, PHASE_EXEC, EXEC, NULL, LIST(args), TEMPLATES(no_env));
    o = run(b, SCENE(0));
    check(o.created && o.errnum == -1 && o.status == 3 << 8, "exec: created, then end of file");
    b = new_plan();
    plan_op(b, PHASE_IDENTITY, FIND_EXEC, NULL, STR("./bad"), STR(NULL));
    plan_op0(b, PHASE_WAIT, REPORT, NULL);
    plan_op(b, PHASE_EXEC, EXEC, NULL, LIST(args), TEMPLATES(no_env));
    o = run(b, SCENE(0));
    check(o.created && failed(&o, 2, ENOEXEC, STEP_EXECVE), "exec: created, then the failure");
    b = new_plan();
    plan_op(b, PHASE_IDENTITY, FIND_EXEC, NULL, STR("/bin/sh"), STR(NULL));
    plan_op0(b, PHASE_WAIT, REPORT, NULL);
    plan_op(b, PHASE_WAIT, CHDIR, NULL, STR("/nowhere"), NUM(1));
    o = run(b, SCENE(.close_at = SYNC_CREATED));
    check(o.errnum == -1 && !o.created && !o.status, "a runtime that is gone is no signal");
    b = new_plan();
    plan_op(b, PHASE_EXEC, EXEC, NULL, LIST(args), TEMPLATES(no_env));
    o = run(b, SCENE(0));
    check(failed(&o, 0, ENOENT, STEP_EXECVE), "a plan without find-exec executes nothing");
}

int main(void)
{
    enter_directory();
    programs();
    system_calls();
    identity();
    directories();
    conversation();
    failures_told();
    starts();
    execs();
    return done();
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The byte stream between monitor and agent, cut at every place. */
#include "plugins/vm/frames.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int tests, failures;

static void check(bool good, const char *name)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++tests, name);
    failures += !good;
}

static struct frames ours;
static int theirs;

static void connect_both(void)
{
    int fds[2];

    if (ours.fd)
        close(ours.fd), close(theirs);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
        _exit(1);
    frames_open(&ours, fds[0]);
    theirs = fds[1];
}

static void tell(const void *bytes, size_t size)
{
    if (write(theirs, bytes, size) != (ssize_t)size)
        _exit(1);
}

static void one_byte_at_a_time(void)
{
    const struct frame sent = {.type = FRAME_DATA, .stream = 2, .process = 513, .size = 5};
    const void *payload;
    struct frame head;
    bool early = false;
    char bytes[sizeof sent + 5];

    connect_both();
    memcpy(bytes, &sent, sizeof sent);
    memcpy(bytes + sizeof sent, "12345", 5);
    for (size_t i = 0; i < sizeof bytes; i++) {
        early |= frames_next(&ours, &head, &payload) != 0;
        tell(bytes + i, 1);
        early |= frames_fill(&ours) != 1;
    }
    check(!early, "a part of a frame is none");
    check(frames_next(&ours, &head, &payload) == 1 && !memcmp(&head, &sent, sizeof head) &&
              !memcmp(payload, "12345", 5),
          "the whole of it is one");
    check(!frames_next(&ours, &head, &payload) && !frames_fill(&ours), "there is no other");
}

static void many_at_once(void)
{
    static char bytes[FRAME_MAX];
    unsigned sent = 0, came = 0, wrong = 0;
    const void *payload;
    struct frame head;

    connect_both();
    for (unsigned round = 0; round < 200; round++) {
        struct frame f = {.type = FRAME_PLAN, .process = (uint16_t)sent, .size = sent % 7 * 2000};

        memset(bytes, (int)sent, sizeof bytes);
        tell(&f, sizeof f);
        tell(bytes, f.size);
        sent++;
        if (round % 3)
            continue;
        while (frames_fill(&ours) == 1)
            while (frames_next(&ours, &head, &payload) == 1) {
                const char *p = payload;

                wrong += head.process != came || head.size != came % 7 * 2000 ||
                         (head.size && (p[0] != (char)came || p[head.size - 1] != (char)came));
                came++;
            }
    }
    check(!wrong && came == 199, "frames come in their order, whole");
}

static void sizes(void)
{
    struct frame f = {.type = FRAME_DATA, .size = FRAME_MAX + 1}, head;
    const void *payload;

    connect_both();
    tell(&f, sizeof f);
    frames_fill(&ours);
    check(frames_next(&ours, &head, &payload) == -1, "one that is too long is refused by its head");
    for (int type = 0; type < 256; type++) {
        bool known = type >= FRAME_READY && type <= FRAME_WRITTEN;

        connect_both();
        f = (struct frame){.type = (uint8_t)type};
        tell(&f, sizeof f);
        frames_fill(&ours);
        if (frames_next(&ours, &head, &payload) != (known ? 1 : -1))
            check(false, "a type");
    }
    close(theirs);
    connect_both();
    close(theirs);
    errno = EIO;
    check(frames_fill(&ours) == -1 && !errno, "the end of the stream is no error");
    theirs = dup(0);
}

/* Reads all that the other side gets, and compares. */
static size_t drain(unsigned *next)
{
    static unsigned char got[FRAMES_OUT];
    static size_t have;
    size_t wrong = 0, at = 0;
    ssize_t n;

    while ((n = read(theirs, got + have, sizeof got - have)) > 0) {
        have += (size_t)n;
        for (at = 0; have - at >= sizeof(struct frame);) {
            struct frame head;

            memcpy(&head, got + at, sizeof head);
            if (have - at < sizeof head + head.size)
                break;
            wrong += head.process != (uint16_t)*next;
            ++*next;
            at += sizeof head + head.size;
        }
        memmove(got, got + at, have - at);
        have -= at;
    }
    return wrong;
}

static void a_queue_that_is_full(void)
{
    static const char bytes[FRAME_MAX];
    struct frame f = {.type = FRAME_DATA, .size = FRAME_MAX};
    unsigned put = 0, got = 0;
    size_t wrong = 0;
    bool room = true;

    connect_both();
    while (frames_room(&ours))
        room = room && !frames_put(&ours, &f, bytes), f.process = (uint16_t)++put;
    check(room && put < FRAMES_OUT / FRAME_MAX, "whoever asks for room leaves some");
    while (!frames_put(&ours, &f, bytes))
        f.process = (uint16_t)++put;
    check(errno == ENOBUFS, "what does not fit is refused");
    for (int i = 0; i < 1000; i++) {
        frames_flush(&ours);
        wrong += drain(&got);
        f.size = (unsigned)i % 9000;
        if (!frames_put(&ours, &f, bytes))
            f.process = (uint16_t)++put;
    }
    frames_flush(&ours);
    wrong += drain(&got);
    check(!wrong && got == put && !frames_waiting(&ours), "all others arrive, in their order");
}

int main(void)
{
    one_byte_at_a_time();
    many_at_once();
    sizes();
    a_queue_that_is_full();
    printf("1..%d\n", tests);
    return failures > 0;
}

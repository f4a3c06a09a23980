/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: the port, the ends of processes, and what processes say and write. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "plugins/vm/agent/agent.h"
#include "plugins/vm/agent/process.h"

#define AT_ONCE 16

void watch_for(struct agent *a, struct watch *w, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = w};

    if (w->fd < 0 || events == w->events)
        return;
    if (epoll_ctl(a->epoll,
                  !events      ? EPOLL_CTL_DEL
                  : !w->events ? EPOLL_CTL_ADD
                               : EPOLL_CTL_MOD,
                  w->fd, &e) < 0) {
        log_line("epoll_ctl", "a descriptor", errno);
        a->over = true;
    }
    w->events = events;
}

void watch_close(struct agent *a, struct watch *w)
{
    watch_for(a, w, 0);
    cleanup_close(&w->fd);
    w->fd = -1;
}

void agent_send(struct agent *a, uint8_t type, uint8_t stream, uint16_t process,
                const void *payload, size_t size)
{
    const struct frame head = {
        .type = type, .stream = stream, .process = process, .size = (uint32_t)size};

    if (frames_put(&a->port, &head, payload) < 0) {
        log_line("port", "nobody reads", 0);
        a->over = true;
    }
}

static void port_ready(struct agent *a, struct watch *w)
{
    const void *payload;
    struct frame head;
    int r;

    (void)w;
    if (frames_fill(&a->port) < 0) {
        log_line("port", "has ended", errno);
        a->over = true;
        return;
    }
    while (!a->over && (r = frames_next(&a->port, &head, &payload))) {
        if (r > 0 && !agent_handle(a, &head, payload))
            continue;
        log_line("port", "a frame that must not come", 0);
        a->over = true;
    }
}

static void child_ready(struct agent *a, struct watch *w)
{
    struct signalfd_siginfo info;

    if (read(w->fd, &info, sizeof info) < 0)
        return; /* all of them at once, whatever it says */
    processes_reap(a);
}

static int open_watches(struct agent *a)
{
    sigset_t mask;

    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    a->epoll = epoll_create1(EPOLL_CLOEXEC);
    a->child_watch =
        (struct watch){.fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK), .ready = child_ready};
    a->port_watch = (struct watch){.fd = a->port.fd, .ready = port_ready};
    if (a->epoll < 0 || a->child_watch.fd < 0)
        return -1;
    watch_for(a, &a->child_watch, EPOLLIN);
    processes_reap(a); /* whoever ended before there was somebody to be told */
    return 0;
}

void agent_serve(struct agent *a)
{
    struct epoll_event events[AT_ONCE];

    if (open_watches(a) < 0) {
        log_line("serve", "epoll and signalfd", errno);
        return;
    }
    while (!a->over) {
        int n;

        if (frames_flush(&a->port) < 0) {
            log_line("port", "write", errno);
            return;
        }
        watch_for(a, &a->port_watch, EPOLLIN | (frames_waiting(&a->port) ? EPOLLOUT : 0));
        if (a->room != frames_room(&a->port)) {
            a->room = !a->room;
            processes_refresh(a);
        }
        n = epoll_wait(a->epoll, events, AT_ONCE, -1);
        for (int i = 0; i < n && !a->over; i++) {
            struct watch *w = events[i].data.ptr;

            /* One before may have closed it. */
            if (w->fd >= 0 && w->events)
                w->ready(a, w);
        }
        processes_sweep(a);
    }
}

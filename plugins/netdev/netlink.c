/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/netdev/netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <netlink/attr.h>
#include <netlink/object.h>

/* Of a namespace that somebody changes all the time. */
#define DUMPS_MAX 100

/* --- sockets ------------------------------------------------------------------------------------ */

static int errno_of(int nl)
{
    switch (-nl) {
    case NLE_NOMEM:
        return -ENOMEM;
    case NLE_PERM:
        return -EPERM;
    default:
        return errno ? -errno : -EIO;
    }
}

static int connect_here(struct netlink *n)
{
    static const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    int on = 1, r;

    if (!(n->sock = nl_socket_alloc()))
        return -ENOMEM;
    errno = 0;
    if ((r = nl_connect(n->sock, NETLINK_ROUTE)) < 0)
        return errno_of(r);
    /* In a namespace that is joined others may administer the network, and with that write to this socket. */
    if (connect(nl_socket_get_fd(n->sock), (const struct sockaddr *)&kernel, sizeof(kernel)) < 0)
        return -errno;
    /* The first for texts beside errors (Linux 4.12), without the request in them; the last so that dumps can
     * be asked for one device (4.20). An older kernel answers without. */
    setsockopt(nl_socket_get_fd(n->sock), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
    setsockopt(nl_socket_get_fd(n->sock), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
    setsockopt(nl_socket_get_fd(n->sock), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
    return 0;
}

int netlink_open(struct netlink *n, int ns)
{
    int own = -1, r;

    if (ns < 0)
        return connect_here(n);
    /* A socket stays in the namespace where it was made. hozo has one thread. */
    own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (own < 0 || setns(ns, CLONE_NEWNET) < 0) {
        r = -errno;
        if (own >= 0)
            close(own);
        return r;
    }
    r = connect_here(n);
    /* In the wrong namespace nothing that follows would be right, not even undoing. */
    if (setns(own, CLONE_NEWNET) < 0)
        abort();
    close(own);
    return r;
}

void netlink_close(struct netlink *n)
{
    nl_socket_free(n->sock);
    n->sock = NULL;
}

/* --- messages ----------------------------------------------------------------------------------- */

int messages_add(struct messages *m, const struct nlmsghdr *h)
{
    struct nlmsghdr **grown = reallocarray(m->at, m->n + 1, sizeof(void *));

    if (!grown)
        return -ENOMEM;
    m->at = grown;
    if (!(grown[m->n] = malloc(h->nlmsg_len)))
        return -ENOMEM;
    memcpy(grown[m->n++], h, h->nlmsg_len);
    return 0;
}

void messages_cut(struct messages *m, size_t n)
{
    while (m->n > n)
        free(m->at[--m->n]);
    if (n)
        return;
    free(m->at);
    m->at = NULL;
}

static void keep_object(struct nl_object *o, void *to)
{
    nl_object_get(o);
    *(struct nl_object **)to = o;
}

struct nl_object *message_object(struct nlmsghdr *h)
{
    struct nl_msg *msg = nlmsg_convert(h);
    struct nl_object *o = NULL;

    if (!msg)
        return NULL;
    nlmsg_set_proto(msg, NETLINK_ROUTE);
    nl_msg_parse(msg, keep_object, &o);
    nlmsg_free(msg);
    return o;
}

struct nl_msg *netlink_request(int type, int flags, const void *header, size_t size)
{
    struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

    if (msg && nlmsg_append(msg, (void *)header, size, NLMSG_ALIGNTO) < 0) {
        nlmsg_free(msg);
        return NULL;
    }
    return msg;
}

void netlink_put(struct nl_msg **msg, int type, const void *data, size_t size)
{
    if (!*msg || nla_put(*msg, type, (int)size, data) >= 0)
        return;
    nlmsg_free(*msg);
    *msg = NULL;
}

void netlink_put_u32(struct nl_msg **msg, int type, uint32_t value)
{
    netlink_put(msg, type, &value, sizeof(value));
}

void netlink_put_string(struct nl_msg **msg, int type, const char *value)
{
    netlink_put(msg, type, value, strlen(value) + 1);
}

/* --- asking ------------------------------------------------------------------------------------- */

struct asking {
    struct netlink *n;
    struct messages *m;
    int error; /* -errno */
    bool done, interrupted;
};

static int on_answer(struct nl_msg *msg, void *arg)
{
    struct asking *a = arg;

    if (a->m && !a->error)
        a->error = messages_add(a->m, nlmsg_hdr(msg));
    return NL_OK;
}

static int on_end(struct nl_msg *msg, void *arg)
{
    struct asking *a = arg;
    const struct nlmsghdr *h = nlmsg_hdr(msg);
    int error;

    /* A dump that fails in its middle says so in its last message. */
    if (h->nlmsg_type == NLMSG_DONE && h->nlmsg_len >= NLMSG_LENGTH(sizeof(error))) {
        memcpy(&error, NLMSG_DATA(h), sizeof(error));
        a->error = error < 0 ? error : a->error;
    }
    a->done = true;
    return NL_STOP;
}

static int on_interruption(struct nl_msg *msg, void *arg)
{
    (void)msg;
    ((struct asking *)arg)->interrupted = true;
    return NL_OK;
}

static void keep_text(struct netlink *n, const struct nlmsghdr *h)
{
    struct nlattr *tb[NLMSGERR_ATTR_MAX + 1];

    if (!(h->nlmsg_flags & NLM_F_ACK_TLVS) || !(h->nlmsg_flags & NLM_F_CAPPED))
        return;
    if (nlmsg_parse((struct nlmsghdr *)h, sizeof(struct nlmsgerr), tb, NLMSGERR_ATTR_MAX, NULL) < 0)
        return;
    if (tb[NLMSGERR_ATTR_MSG])
        snprintf(n->said, sizeof(n->said), ": %.*s", nla_len(tb[NLMSGERR_ATTR_MSG]),
                 (const char *)nla_data(tb[NLMSGERR_ATTR_MSG]));
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *e, void *arg)
{
    struct asking *a = arg;

    (void)from;
    a->error = e->error;
    a->done = true;
    keep_text(a->n, (const struct nlmsghdr *)((const char *)e - NLMSG_HDRLEN));
    return NL_STOP;
}

static int ask(struct asking *a, struct nl_msg *msg, struct nl_cb *cb)
{
    int r;

    errno = 0;
    if ((r = nl_send_auto(a->n->sock, msg)) < 0)
        return errno_of(r);
    while (!a->done)
        if ((r = nl_recvmsgs(a->n->sock, cb)) < 0 && !a->done)
            return errno_of(r);
    return a->error;
}

static struct nl_cb *callbacks(struct asking *a)
{
    struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);

    if (!cb)
        return NULL;
    nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_answer, a);
    nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_end, a);
    nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_end, a);
    nl_cb_set(cb, NL_CB_DUMP_INTR, NL_CB_CUSTOM, on_interruption, a);
    nl_cb_err(cb, NL_CB_CUSTOM, on_error, a);
    return cb;
}

int netlink_ask(struct netlink *n, struct nl_msg *msg, struct messages *m)
{
    struct asking a = {.n = n, .m = m};
    size_t before = m ? m->n : 0;
    struct nl_cb *cb = msg ? callbacks(&a) : NULL;
    int r = cb ? 0 : -ENOMEM;

    *n->said = '\0';
    for (unsigned i = 0; cb; i++) {
        a.done = a.interrupted = false;
        a.error = 0;
        nlmsg_hdr(msg)->nlmsg_seq = NL_AUTO_SEQ;
        r = ask(&a, msg, cb);
        if (r || !a.interrupted)
            break;
        if (i == DUMPS_MAX) {
            r = -EBUSY;
            break;
        }
        if (m)
            messages_cut(m, before);
    }
    nl_cb_put(cb);
    nlmsg_free(msg);
    return r;
}

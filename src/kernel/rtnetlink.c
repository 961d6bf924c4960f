/* SPDX-License-Identifier: MIT */
#include "kernel/rtnetlink.h"

#include <errno.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/mem.h"

#define BUFFER_SIZE  (256 * 1024) /* one link with many virtual functions takes more than 32 KiB */
#define MESSAGES_MAX 100000       /* of one answer */

/* --- attributes ------------------------------------------------------------------------------- */

/* The next attribute; false at the end or when it does not fit. */
static bool next_attr(const char **at, const char *end, struct rtattr *ret, const char **ret_data)
{
        size_t left = (size_t)(end - *at);
        if (left < sizeof(*ret))
                return false;
        memcpy(ret, *at, sizeof(*ret));
        if (ret->rta_len < sizeof(*ret) || ret->rta_len > left)
                return false;
        *ret_data = *at + RTA_LENGTH(0);
        *at += MIN(RTA_ALIGN((size_t)ret->rta_len), left);
        return true;
}

static int int_of(const struct rtattr *a, const char *data, int otherwise)
{
        int v;
        if (RTA_PAYLOAD(a) < sizeof(v))
                return otherwise;
        memcpy(&v, data, sizeof(v));
        return v;
}

static void text_of(const struct rtattr *a, const char *data, char *buf, size_t size)
{
        size_t n = strnlen(data, MIN((size_t)RTA_PAYLOAD(a), size - 1));
        memcpy(buf, data, n);
        buf[n] = '\0';
}

static void read_info(const char *at, const char *end, struct rtnl_link *l)
{
        struct rtattr a;
        for (const char *data; next_attr(&at, end, &a, &data);)
                if (a.rta_type == IFLA_INFO_KIND)
                        text_of(&a, data, l->kind, sizeof(l->kind));
}

static void read_attr(const struct rtattr *a, const char *data, struct rtnl_link *l)
{
        switch (a->rta_type & NLA_TYPE_MASK) {
        case IFLA_IFNAME:
                text_of(a, data, l->name, sizeof(l->name));
                break;
        case IFLA_LINK:
                l->other = int_of(a, data, 0);
                break;
        case IFLA_LINK_NETNSID:
                l->other_nsid = int_of(a, data, -1);
                break;
        case IFLA_MASTER:
                l->master = int_of(a, data, 0);
                break;
        case IFLA_LINKINFO:
                read_info(data, data + RTA_PAYLOAD(a), l);
                break;
        default:
                break;
        }
}

int rtnl_link_parse(const void *message, size_t n, struct rtnl_link *ret)
{
        struct nlmsghdr head;
        struct ifinfomsg info;
        const size_t start = NLMSG_LENGTH(NLMSG_ALIGN(sizeof(info)));
        if (n < start)
                return -EBADMSG;
        memcpy(&head, message, sizeof(head));
        memcpy(&info, (const char *)message + NLMSG_HDRLEN, sizeof(info));
        if (head.nlmsg_type != RTM_NEWLINK || head.nlmsg_len < start || head.nlmsg_len > n)
                return -EBADMSG;
        struct rtnl_link l = {.index = info.ifi_index, .other_nsid = -1};
        const char *at = (const char *)message + start;
        const char *end = (const char *)message + head.nlmsg_len;
        struct rtattr a;
        for (const char *data; next_attr(&at, end, &a, &data);)
                read_attr(&a, data, &l);
        if (l.index <= 0 || !l.name[0])
                return -EBADMSG;
        *ret = l;
        return 0;
}

/* --- question and answer ---------------------------------------------------------------------- */

struct question {
        struct nlmsghdr head;
        char body[256];
};

static void append(struct question *q, const void *data, size_t n)
{
        memcpy((char *)q + NLMSG_ALIGN(q->head.nlmsg_len), data, n);
        q->head.nlmsg_len = NLMSG_ALIGN(q->head.nlmsg_len) + (uint32_t)n;
}

static void add_attr(struct question *q, unsigned short type, const void *data, size_t n)
{
        struct rtattr a = {.rta_len = (unsigned short)RTA_LENGTH(n), .rta_type = type};
        append(q, &a, sizeof(a));
        append(q, data, n);
}

static struct question question_of(unsigned short type, unsigned short flags)
{
        static uint32_t sequence;
        return (struct question){.head = {.nlmsg_len = NLMSG_HDRLEN,
                                          .nlmsg_type = type,
                                          .nlmsg_flags = NLM_F_REQUEST | flags,
                                          .nlmsg_seq = ++sequence}};
}

/* Every message of an answer; > 0 ends it. */
typedef int (*answer_fn)(void *userdata, const struct nlmsghdr *head, const char *message,
                         size_t n);

static int error_of(const char *message, size_t n)
{
        struct nlmsgerr e;
        if (n < NLMSG_LENGTH(sizeof(e)))
                return -EBADMSG;
        memcpy(&e, message + NLMSG_HDRLEN, sizeof(e));
        return e.error < 0 ? e.error : 1;
}

/* The messages of one datagram. 0: more are to come; 1: that was all; -errno. */
static int take_datagram(const struct question *q, const char *p, size_t n, answer_fn fn,
                         void *userdata)
{
        struct nlmsghdr head;
        while (n >= sizeof(head)) {
                memcpy(&head, p, sizeof(head));
                if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > n)
                        return -EBADMSG;
                int r = 0;
                if (head.nlmsg_seq != q->head.nlmsg_seq)
                        r = 0; /* late answer to a question that was given up */
                else if (head.nlmsg_type == NLMSG_DONE)
                        return 1;
                else if (head.nlmsg_type == NLMSG_ERROR)
                        r = error_of(p, head.nlmsg_len);
                else
                        r = fn(userdata, &head, p, head.nlmsg_len);
                if (r != 0)
                        return r;
                size_t step = MIN((size_t)NLMSG_ALIGN(head.nlmsg_len), n);
                p += step;
                n -= step;
        }
        return 0;
}

static int ask(int fd, const struct question *q, answer_fn fn, void *userdata)
{
        struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
        if (sendto(fd, q, q->head.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
                return errno == EAGAIN ? -ETIMEDOUT : -errno;
        _cleanup_free_ char *buf = xmalloc(BUFFER_SIZE);
        for (unsigned i = 0; i < MESSAGES_MAX; i++) {
                ssize_t n = recv(fd, buf, BUFFER_SIZE, MSG_TRUNC);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return errno == EAGAIN ? -ETIMEDOUT : -errno;
                if (n > BUFFER_SIZE)
                        return -EMSGSIZE;
                int r = take_datagram(q, buf, (size_t)n, fn, userdata);
                if (r != 0)
                        return r < 0 ? r : 0;
        }
        return -EMSGSIZE;
}

int rtnl_open(void)
{
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        if (fd < 0)
                return -errno;
        struct timeval limit = {.tv_sec = 1};
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
        return fd;
}

/* --- links ------------------------------------------------------------------------------------ */

static int on_link(void *userdata, const struct nlmsghdr *head, const char *message, size_t n)
{
        (void)head;
        return rtnl_link_parse(message, n, userdata) < 0 ? -EBADMSG : 1;
}

static struct question link_question(unsigned short flags, int index)
{
        struct question q = question_of(RTM_GETLINK, flags);
        struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = index};
        uint32_t mask = RTEXT_FILTER_SKIP_STATS;
        append(&q, &info, sizeof(info));
        add_attr(&q, IFLA_EXT_MASK, &mask, sizeof(mask));
        return q;
}

int rtnl_link_by_name(int fd, const char *name, struct rtnl_link *ret)
{
        struct question q = link_question(0, 0);
        size_t n = strlen(name);
        if (n == 0 || n >= IFNAMSIZ)
                return -ENODEV;
        add_attr(&q, IFLA_IFNAME, name, n + 1);
        return ask(fd, &q, on_link, ret);
}

int rtnl_link_by_index(int fd, int nsid, int index, struct rtnl_link *ret)
{
        struct question q = link_question(0, index);
        if (nsid >= 0)
                add_attr(&q, IFLA_TARGET_NETNSID, &nsid, sizeof(nsid));
        return ask(fd, &q, on_link, ret);
}

struct ports {
        int master;
        struct rtnl_link *ret;
        size_t n, max;
};

static int on_port(void *userdata, const struct nlmsghdr *head, const char *message, size_t n)
{
        struct ports *p = userdata;
        struct rtnl_link l;
        (void)head;
        if (p->n < p->max && rtnl_link_parse(message, n, &l) >= 0 && l.master == p->master)
                p->ret[p->n++] = l;
        return 0;
}

int rtnl_ports(int fd, int master, struct rtnl_link *ret, size_t max)
{
        struct question q = link_question(NLM_F_DUMP, 0);
        struct ports p = {.master = master, .ret = ret, .max = max};
        add_attr(&q, IFLA_MASTER, &master, sizeof(master));
        int r = ask(fd, &q, on_port, &p);
        return r < 0 ? r : (int)p.n;
}

/* --- namespaces ------------------------------------------------------------------------------- */

static int on_nsid(void *userdata, const struct nlmsghdr *head, const char *message, size_t n)
{
        const size_t start = NLMSG_LENGTH(NLMSG_ALIGN(sizeof(struct rtgenmsg)));
        struct rtattr a;
        if (head->nlmsg_type != RTM_NEWNSID || n < start)
                return -EBADMSG;
        const char *at = message + start, *end = message + n;
        for (const char *data; next_attr(&at, end, &a, &data);)
                if (a.rta_type == NETNSA_NSID)
                        *(int *)userdata = int_of(&a, data, -1);
        return 1;
}

int rtnl_nsid(int fd, pid_t pid, int *ret)
{
        struct question q = question_of(RTM_GETNSID, 0);
        struct rtgenmsg body = {.rtgen_family = AF_UNSPEC};
        uint32_t of = (uint32_t)pid;
        int nsid = -1;
        append(&q, &body, sizeof(body));
        add_attr(&q, NETNSA_PID, &of, sizeof(of));
        int r = ask(fd, &q, on_nsid, &nsid);
        if (r >= 0)
                *ret = nsid;
        return r;
}

/* SPDX-License-Identifier: MIT */
#include "app/demo_veth.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/macros.h"

#define ANSWER_SECONDS 1

/* One request on the stack; attributes are appended, nests are closed by their start offset. */
struct request {
        struct nlmsghdr head;
        char body[512];
};

static void *append(struct request *rq, const void *data, size_t n)
{
        char *at = (char *)rq + NLMSG_ALIGN(rq->head.nlmsg_len);
        if (data)
                memcpy(at, data, n);
        rq->head.nlmsg_len = (uint32_t)(at - (char *)rq + (ptrdiff_t)n);
        return at;
}

static struct rtattr *add_attr(struct request *rq, unsigned short type, const void *data, size_t n)
{
        struct rtattr a = {.rta_len = (unsigned short)RTA_LENGTH(n), .rta_type = type};
        struct rtattr *at = append(rq, &a, sizeof(a));
        if (n)
                append(rq, data, n);
        return at;
}

static struct rtattr *nest_open(struct request *rq, unsigned short type)
{
        return add_attr(rq, type, NULL, 0);
}

static void nest_close(struct request *rq, struct rtattr *nest)
{
        nest->rta_len = (unsigned short)((char *)rq + rq->head.nlmsg_len - (char *)nest);
}

static struct request request_of(unsigned short type, unsigned flags)
{
        return (struct request){
                .head = {.nlmsg_len = NLMSG_HDRLEN,
                         .nlmsg_type = type,
                         .nlmsg_flags = (unsigned short)(NLM_F_REQUEST | NLM_F_ACK | flags),
                         .nlmsg_seq = 1}};
}

static int answer_of(int fd)
{
        struct {
                struct nlmsghdr head;
                struct nlmsgerr err;
                char rest[1024];
        } in;
        ssize_t n = recv(fd, &in, sizeof(in), 0);
        if (n < 0)
                return errno == EAGAIN ? -ETIMEDOUT : -errno;
        if ((size_t)n < NLMSG_LENGTH(sizeof(in.err)) || in.head.nlmsg_type != NLMSG_ERROR)
                return -EBADMSG;
        return in.err.error;
}

static int send_request(const struct request *rq)
{
        _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        if (fd < 0)
                return -errno;
        struct timeval limit = {.tv_sec = ANSWER_SECONDS};
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
        if (sendto(fd, rq, rq->head.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
                return -errno;
        return answer_of(fd);
}

int veth_create(const char *name, const char *peer, pid_t peer_pid)
{
        struct request rq = request_of(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
        struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
        uint32_t pid = (uint32_t)peer_pid;

        append(&rq, &link, sizeof(link));
        add_attr(&rq, IFLA_IFNAME, name, strnlen(name, IFNAMSIZ - 1) + 1);
        struct rtattr *info = nest_open(&rq, IFLA_LINKINFO);
        add_attr(&rq, IFLA_INFO_KIND, "veth", sizeof("veth"));
        struct rtattr *data = nest_open(&rq, IFLA_INFO_DATA);
        struct rtattr *other = nest_open(&rq, VETH_INFO_PEER);
        append(&rq, &link, sizeof(link));
        add_attr(&rq, IFLA_IFNAME, peer, strnlen(peer, IFNAMSIZ - 1) + 1);
        add_attr(&rq, IFLA_NET_NS_PID, &pid, sizeof(pid));
        nest_close(&rq, other);
        nest_close(&rq, data);
        nest_close(&rq, info);
        return send_request(&rq);
}

static int add_address(unsigned index, uint32_t address, unsigned prefix)
{
        struct request rq = request_of(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
        struct ifaddrmsg msg = {
                .ifa_family = AF_INET, .ifa_prefixlen = (uint8_t)prefix, .ifa_index = index};
        append(&rq, &msg, sizeof(msg));
        add_attr(&rq, IFA_LOCAL, &address, sizeof(address));
        add_attr(&rq, IFA_ADDRESS, &address, sizeof(address));
        return send_request(&rq);
}

int veth_up(const char *name, uint32_t address, unsigned prefix)
{
        unsigned index = if_nametoindex(name);
        if (!index)
                return -errno;
        int r = add_address(index, address, prefix);
        if (r < 0)
                return r;
        struct request rq = request_of(RTM_NEWLINK, 0);
        struct ifinfomsg link = {.ifi_family = AF_UNSPEC,
                                 .ifi_index = (int)index,
                                 .ifi_flags = IFF_UP,
                                 .ifi_change = IFF_UP};
        append(&rq, &link, sizeof(link));
        return send_request(&rq);
}

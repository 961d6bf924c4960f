/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The helpers of engines that hold a container's published port on the host, told by their command
 * lines (proc/PID/cmdline: words, each ended by NUL). Whoever can start a process can write such a
 * line: the asker has to look at whose process it is.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COMMAND_LINE_MAX 8192

struct docker_proxy {
        char container_ip[64]; /* as written */
        uint16_t host_port;
        uint16_t container_port;
};

/* docker-proxy -proto tcp -host-ip IP -host-port N -container-ip IP -container-port M (moby,
 * cmd/docker-proxy). 0; -ENOENT: something else; -EBADMSG: one, but not as expected. */
int docker_proxy_parse(const char *cmdline, size_t n, struct docker_proxy *ret);

/* The id after -c or --cid of a conmon, owned; NULL if it is something else. */
char *conmon_container(const char *cmdline, size_t n);

/* A program of the rootless kind that forwards ports into one network namespace, whose command line
 * does not tell which: rootlessport, slirp4netns, pasta. */
bool is_port_forwarder(const char *cmdline, size_t n);

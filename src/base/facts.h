/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a runtime (or its files on disk) says of one container, and the small vocabulary that all
 * floors share: runtimes, kinds, states, sources. Plain data; texts are clean (str_clean).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "base/wire.h"

enum runtime_id {
        RUNTIME_UNKNOWN,
        RUNTIME_DOCKER,
        RUNTIME_PODMAN,
        RUNTIME_CONTAINERD,
        RUNTIME_NERDCTL,
        RUNTIME_CRIO,
        RUNTIME_KUBERNETES, /* in a pod, owner unknown */
        RUNTIME_LXC,
        RUNTIME_NSPAWN,
        RUNTIME_LIBVIRT,
        RUNTIME_BUILDKIT,
        RUNTIME_ECS,
        RUNTIME_GARDEN,
        RUNTIME_APPTAINER,
        RUNTIME_RUNC,
        RUNTIME_CRUN,
        RUNTIME_FLATPAK,
        RUNTIME_SNAP,
        RUNTIME_SYSTEMD,
        RUNTIME_NAMESPACE,
        RUNTIME_COUNT,
};
extern const char *const runtime_names[RUNTIME_COUNT];

enum kind {
        KIND_CONTAINER,
        KIND_SANDBOX,
        KIND_MACHINE,
        KIND_VM,
        KIND_BUILD,
        KIND_POD,
        KIND_SERVICE,
        KIND_INFRA,
        KIND_COUNT
};
extern const char *const kind_names[KIND_COUNT]; /* KIND_INFRA (pause containers) prints "infra" */

enum state {
        STATE_UNKNOWN,
        STATE_RUNNING,
        STATE_PAUSED,
        STATE_CREATED,
        STATE_RESTARTING,
        STATE_REMOVING,
        STATE_EXITED,
        STATE_DEAD,
        STATE_COUNT
};
extern const char *const state_names[STATE_COUNT];

enum source_status {
        SOURCE_OK,
        SOURCE_DEGRADED,
        SOURCE_DENIED,
        SOURCE_SILENT,
        SOURCE_UNAVAILABLE,
        SOURCE_STATUS_COUNT
};
extern const char *const source_status_names[SOURCE_STATUS_COUNT];

struct source {
        const char *name; /* "cgroup", "namespaces", "reader", "disk" */
        enum source_status status;
        const char *detail; /* one clean sentence; NULL */
};

struct label {
        char *key;
        char *value;
};

struct port {
        char *host_ip; /* NULL: any */
        uint16_t host_port;
        uint16_t container_port;
        char protocol[8]; /* "tcp", "udp", "sctp" */
};

/* Owns all its texts; NULL and -1 mean: not told. */
struct facts {
        char *id; /* full id, where the asker did not know it */
        char *name;
        char *image;
        char *pod;               /* pod or task id */
        char *pod_name;          /* k8s namespace/pod, podman pod name */
        bool infra;              /* a pause or infra container */
        enum runtime_id runtime; /* RUNTIME_UNKNOWN: does not say otherwise than the cgroup */
        struct label *labels;
        size_t n_labels;
        struct port *ports; /* published on the host */
        size_t n_ports;
        char *restart_policy;
};

#define FACTS_MAX_LABELS 256
#define FACTS_MAX_PORTS  256

void facts_done(struct facts *f);
/* Adds cleaned copies; ignores everything past the caps above. */
void facts_add_label(struct facts *f, const char *key, const char *value);
void facts_add_port(struct facts *f, const char *host_ip, unsigned host_port,
                    unsigned container_port, const char *protocol);
/* The value of a label, or NULL. */
const char *facts_label(const struct facts *f, const char *key);

void facts_pack(const struct facts *f, struct str *out);
/* 0, or -EBADMSG with *ret untouched. */
int facts_unpack(struct wire *w, struct facts *ret);

/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A host with every kind of row that the outputs treat differently, built by hand: texts are
 * literals, nothing is freed. sample_model() starts afresh each time.
 */

#include <math.h>

#include "model/order.h"
#include "model/verdict.h"

enum sample {
        WEB,     /* docker, project shop, throttled by shop.slice */
        DB,      /* docker, project shop, quiet */
        QUEUE,   /* docker, project shop, memory at its limit */
        APP,     /* pod api-7f9c */
        ENVOY,   /* pod api-7f9c, same network namespace */
        BACKUP,  /* podman, paused, network of the host */
        BUILDER, /* podman of user 1000, waits for disk */
        RUNNER,  /* only a namespace */
        MAIL,    /* nspawn, no network */
        MIGRATE, /* of which nothing is known */
        N_SAMPLES
};

#define MIB    (UINT64_C(1) << 20)
#define WEB_ID "3f4e1c2a9b8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f"

static struct container samples[N_SAMPLES];
static struct container *sample_list[N_SAMPLES];
static struct model sample;

static struct container sample_named(enum runtime_id runtime, const char *id, const char *name,
                                     const char *key)
{
        return (struct container){
                .key = (char *)key,
                .id = (char *)id,
                .name = (char *)name,
                .runtime = runtime,
                .state = STATE_RUNNING,
                .rates = {NAN, NAN, NAN, NAN, NAN},
                .throttled_percent = NAN,
                .isolation = {.root_uid = -1,
                              .user_initial = -1,
                              .privileged = -1,
                              .seccomp = -1,
                              .no_new_privileges = -1},
                .verdict = {.percent = NAN},
        };
}

static void sample_memory(struct container *c, uint64_t working_set, uint64_t limit)
{
        sample_set(&c->now, MEMORY_USAGE_BYTES, working_set + 10 * MIB);
        sample_set(&c->now, MEMORY_INACTIVE_FILE_BYTES, 10 * MIB);
        c->memory_limit = (struct model_limit){limit ? LIMIT_SET : LIMIT_NONE, limit,
                                               limit ? c->cgroup : NULL};
}

static void sample_network(struct container *c, enum net_mode mode, uint64_t netns, double rx,
                           double tx)
{
        c->net_mode = mode;
        c->netns = netns;
        c->net_counted = mode != NET_HOST;
        c->rates.net_rx = rx;
        c->rates.net_tx = tx;
        sample_set(&c->now, NET_RX_BYTES, netns % 1000 * 100);
        sample_set(&c->now, NET_TX_BYTES, netns % 1000 * 10);
}

static void sample_rates(struct container *c, double cpu, double read, double write)
{
        c->rates.cpu_percent = cpu;
        c->rates.io_read = read;
        c->rates.io_write = write;
        sample_set(&c->now, CPU_USAGE_USEC, (uint64_t)(cpu * 1000000));
        sample_set(&c->now, PIDS_CURRENT, 3);
}

static void sample_web(struct container *c)
{
        static struct label labels[] = {
                {(char *)"com.docker.compose.project", (char *)"shop"},
                {(char *)"say", (char *)"\"hi\"\\"},
        };
        static struct port ports[] = {
                {(char *)"0.0.0.0", 8080, 80, "tcp"},
                {NULL, 8443, 443, "tcp"},
        };
        *c = sample_named(RUNTIME_DOCKER, WEB_ID, "web", "local/docker/0/" WEB_ID);
        c->cgroup = (char *)"/shop.slice/docker-" WEB_ID ".scope";
        c->image = (char *)"nginx:1.27";
        c->pid = 4711;
        c->started_usec = sample.realtime_usec - UINT64_C(273600500000); /* 3d 4h */
        c->facts.labels = labels;
        c->facts.n_labels = ARRAY_SIZE(labels);
        c->facts.ports = ports;
        c->facts.n_ports = ARRAY_SIZE(ports);
        sample_memory(c, 412 * MIB, 512 * MIB);
        sample_rates(c, 98.4, 0, 0);
        sample_network(c, NET_PRIVATE, 4026532441, 1.1 * MIB, 30 * 1024);
        c->throttled_percent = 62;
        c->throttled_periods = 10;
        c->throttled_source = (char *)"/shop.slice";
        c->cpu_limit = (struct model_limit){LIMIT_SET, 1000000, (char *)"/shop.slice"};
        c->pids_limit = (struct model_limit){LIMIT_SET, 50, c->cgroup};
        c->isolation.known = true;
        c->isolation.ns.inode[NS_PID] = 4026532440;
        c->isolation.ns.inode[NS_NET] = 4026532441;
        for (size_t i = 0; i < NS_COUNT; i++)
                c->isolation.host_ns_known[i] = true;
        c->isolation.host_ns[NS_TIME] = c->isolation.host_ns[NS_USER] = true;
        c->isolation.caps_known = true;
        c->isolation.cap_bounding = 1 | 1 << 13;
        c->isolation.root_uid = 0;
        c->isolation.privileged = 0;
        c->isolation.seccomp = 2;
        c->isolation.lsm = (char *)"docker-default";
}

static void sample_shop(void)
{
        struct container *c = &samples[DB];
        *c = sample_named(RUNTIME_DOCKER, "db-id", "db", "local/docker/0/db-id");
        c->cgroup = (char *)"/shop.slice/docker-db.scope";
        c->image = (char *)"postgres:16";
        sample_memory(c, 690 * MIB, 1024 * MIB);
        sample_rates(c, 12.1, 2.1 * MIB, 9 * 1024);
        sample_network(c, NET_PRIVATE, 4026532442, 80 * 1024, 4 * 1024);

        c = &samples[QUEUE];
        *c = sample_named(RUNTIME_DOCKER, "queue-id", "queue", "local/docker/0/queue-id");
        c->cgroup = (char *)"/shop.slice/docker-queue.scope";
        c->image = (char *)"redis:7";
        sample_memory(c, 98 * MIB, 100 * MIB);
        sample_set(&c->now, MEMORY_NEEDED_BYTES, 97 * MIB);
        sample_rates(c, 37.7, 0, 0);
        sample_network(c, NET_PRIVATE, 4026532443, 0, 0);
}

/* The infra container of the pod is counted, and not among the rows. */
static void sample_pod(void)
{
        struct container *c = &samples[APP];
        *c = sample_named(RUNTIME_CRIO, "app-id", "app", "local/crio/0/app-id");
        c->pod = (char *)"8a7b6c5d-0000-4000-8000-1234567890ab";
        c->pod_name = (char *)"prod/api-7f9c";
        sample_memory(c, 280 * MIB, 1024 * MIB);
        sample_rates(c, 20, 0, 0);
        sample_network(c, NET_SHARED, 4026532450, 12 * 1024, 9 * 1024);
        c->net_counted = false;

        struct container *envoy = &samples[ENVOY];
        *envoy = sample_named(RUNTIME_CRIO, "envoy-id", "envoy", "local/crio/0/envoy-id");
        envoy->pod = c->pod;
        envoy->pod_name = c->pod_name;
        sample_memory(envoy, 30 * MIB, 64 * MIB);
        sample_rates(envoy, 0.3, 0, 0);
        sample_network(envoy, NET_SHARED, 4026532450, 12 * 1024, 9 * 1024);
        envoy->net_counted = false;
}

static void sample_others(void)
{
        struct container *c = &samples[BACKUP];
        *c = sample_named(RUNTIME_PODMAN, "backup-id", "backup", "local/podman/0/backup-id");
        c->state = STATE_PAUSED;
        sample_memory(c, 12 * MIB, 0);
        sample_rates(c, 0, 0, 0);
        sample_network(c, NET_HOST, 4026531840, 5, 5);
        sample_set(&c->now, FROZEN, 1);

        c = &samples[BUILDER];
        *c = sample_named(RUNTIME_PODMAN, "builder-id", "builder-with-a-rather-long-name",
                          "local/podman/1000/builder-id");
        c->owner_uid = 1000;
        sample_memory(c, 1945 * MIB, 0);
        sample_rates(c, 161, 31.0 * MIB, 12.0 * MIB);
        sample_network(c, NET_PRIVATE, 4026532460, 2.0 * MIB, 11 * 1024);
        sample_set(&c->now, PSI_IO_FULL, 4100);

        c = &samples[RUNNER];
        *c = sample_named(RUNTIME_NAMESPACE, "ns-pid-4026532999-812", "ci-runner",
                          "local/namespace/0/ns-pid-4026532999-812");
        sample_memory(c, 84 * MIB, 0);
        sample_rates(c, 3.2, 0, 0);
        sample_network(c, NET_PRIVATE, 4026532470, 200, 0);

        c = &samples[MAIL];
        *c = sample_named(RUNTIME_NSPAWN, "mail", "mail", "local/nspawn/0/mail");
        c->kind = KIND_MACHINE;
        sample_memory(c, 210 * MIB, 2048 * MIB);
        sample_rates(c, 0.4, 0, 0);
        sample_network(c, NET_NONE, 4026532480, NAN, NAN);
        c->now.have &= ~(METRIC_BIT(NET_RX_BYTES) | METRIC_BIT(NET_TX_BYTES));

        c = &samples[MIGRATE];
        *c = sample_named(RUNTIME_UNKNOWN, "migrate-id", "migrate", "local/unknown/0/migrate-id");
        c->state = STATE_UNKNOWN;
        c->owner_uid = UINT32_MAX;
}

static const struct model *sample_model(void)
{
        static struct source sources[] = {
                {"cgroup", SOURCE_OK, NULL},
                {"namespaces", SOURCE_DEGRADED, "cannot read the links of 12 processes"},
                {"docker", SOURCE_UNAVAILABLE, "no socket"},
        };
        sample = (struct model){
                .containers = sample_list,
                .n_containers = N_SAMPLES,
                .sources = sources,
                .n_sources = ARRAY_SIZE(sources),
                .realtime_usec = UINT64_C(1795467546123456), /* 2026-11-23T20:59:06.123Z */
                .interval_seconds = 0.5,
                .host = {.now = {.name = "web1",
                                 .kernel = "6.1.0",
                                 .cgroup = "v2",
                                 .cpus = 4,
                                 .cpu_known = true,
                                 .cpu_busy_ticks = 12345,
                                 .memory_known = true,
                                 .memory_total_bytes = 16000 * MIB,
                                 .memory_available_bytes = 9000 * MIB,
                                 .boot_usec = UINT64_C(1795000000000000),
                                 .load = {2.31, 1.5, -1}},
                         .cpu_percent = 51.2},
        };
        sample_web(&samples[WEB]);
        sample_shop();
        sample_pod();
        sample_others();
        for (size_t i = 0; i < N_SAMPLES; i++) {
                sample_list[i] = &samples[i];
                verdict_judge(&samples[i]);
        }
        return &sample;
}

/* All of them by cpu, as order_rows() gives them. */
static const struct rows *sample_rows(void)
{
        static const enum sample order[] = {BUILDER, WEB,  QUEUE, APP,    DB,
                                            RUNNER,  MAIL, ENVOY, BACKUP, MIGRATE};
        static struct row row[N_SAMPLES];
        static const struct rows rows = {row, N_SAMPLES};
        for (size_t i = 0; i < N_SAMPLES; i++)
                row[i] = (struct row){.container = &samples[order[i]]};
        return &rows;
}

/* --tree: a project, a pod, and in each a container with another one inside. */
static const struct rows *sample_tree(void)
{
        static const struct row row[] = {
                {.group = "shop", .group_runtime = RUNTIME_DOCKER, .n_members = 4},
                {.container = &samples[WEB], .depth = 1},
                {.container = &samples[RUNNER], .depth = 2, .last = true},
                {.container = &samples[QUEUE], .depth = 1},
                {.container = &samples[DB], .depth = 1, .last = true},
                {.container = &samples[BUILDER]},
                {.group = "api-7f9c", .group_runtime = RUNTIME_CRIO, .n_members = 3},
                {.container = &samples[APP], .depth = 1},
                {.container = &samples[ENVOY], .depth = 1, .last = true},
                {.container = &samples[MAIL], .depth = 2, .last = true},
                {.container = &samples[BACKUP], .last = true},
        };
        static const struct rows rows = {(struct row *)row, ARRAY_SIZE(row)};
        samples[RUNNER].cgroup = (char *)"/shop.slice/docker-" WEB_ID ".scope/inner";
        return &rows;
}

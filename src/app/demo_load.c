/* SPDX-License-Identifier: MIT */
#include "app/demo_load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "app/demo_util.h"
#include "app/demo_veth.h"

#define PAGE            4096
#define DB_SLICES       10
#define DB_RECORD       (64 * 1024)
#define DB_FILE         (512 * 1024)
#define BATCH_PORT      7007
#define BATCH_DATAGRAM  1380
#define BATCH_BURST     40
#define BATCH_PAUSE_MS  50
#define BATCH_ECHO_EACH 8
#define BATCH_LEADER    0x0a2a0001u /* 10.42.0.1 */
#define BATCH_PEER      0x0a2a0002u
#define BATCH_PREFIX    30

/* --- common ----------------------------------------------------------------------------------- */

static void on_term(int sig)
{
        (void)sig;
        _exit(0);
}

/* The init of a pid namespace is immune to SIGTERM unless it has a handler. */
static void reset_signals(void)
{
        struct sigaction def = {.sa_handler = SIG_DFL}, term = {.sa_handler = on_term};
        for (int sig = 1; sig < NSIG; sig++)
                (void)sigaction(sig, &def, NULL);
        (void)sigaction(SIGTERM, &term, NULL);
        (void)sigaction(SIGINT, &term, NULL);
        sigset_t none;
        sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * A tmpfs as root with an empty proc mount: nothing of the host is left in sight. proc may be
 * refused inside another container that masks its own; the load can do without.
 */
static int change_root(void)
{
        static const char *const places[] = {"/tmp", "/mnt", "/usr", "/etc"};
        int r = -ENOENT;
        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return -errno;
        for (size_t i = 0; i < ARRAY_SIZE(places) && r == -ENOENT; i++)
                if (mount("ctop-demo", places[i], "tmpfs", MS_NOSUID | MS_NODEV,
                          "size=64k,mode=755") == 0)
                        r = chdir(places[i]) < 0 ? -errno : 0;
                else
                        r = -errno;
        if (r < 0)
                return r;
        if (mkdir("proc", 0555) == 0)
                (void)mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
        /* pivot_root(2): with both the same, the old root lies on top of the new one */
        if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0)
                return -errno;
        (void)mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL);
        return chdir("/") < 0 ? -errno : 0;
}

/* All capabilities go, the bounding set too: these are no privileged containers. */
static void drop_privileges(void)
{
        struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct none[2] = {0};
        for (unsigned long cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0; cap++)
                ;
        (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        (void)syscall(SYS_capset, &head, none);
}

/* --- demo-web: always wants more than the quarter of a core it may have -------------------------
 */

static void burn_until(uint64_t end_usec)
{
        volatile unsigned x = 1;
        do
                for (unsigned i = 0; i < 20000; i++)
                        x = x * 1664525u + 1013904223u;
        while (demo_now_usec() < end_usec);
}

static _Noreturn void run_web(bool limited)
{
        unsigned busy = limited ? 400 : 20, rest = limited ? 50 : 80;
        for (;;) {
                burn_until(demo_now_usec() + busy * 1000);
                demo_nap_ms(rest);
        }
}

/* --- demo-db: memory near its limit, a little disk ----------------------------------------------
 */

static void touch(unsigned char *p, size_t bytes)
{
        for (size_t i = 0; i < bytes; i += PAGE)
                ((volatile unsigned char *)p)[i]++;
}

static unsigned char *hold_memory(size_t bytes)
{
        unsigned char *p =
                mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
                return NULL;
        (void)madvise(p, bytes, MADV_NOHUGEPAGE); /* whole huge pages would pass the limit */
        if (madvise(p, bytes, MADV_POPULATE_WRITE) < 0)
                touch(p, bytes);
        return p;
}

/* Stays inside the same half MiB of file: its page cache must not push at the memory limit. */
static void write_record(int file, const unsigned char *record, unsigned turn)
{
        off_t at = (off_t)(turn % (DB_FILE / DB_RECORD)) * DB_RECORD;
        if (file >= 0 && pwrite(file, record, DB_RECORD, at) == DB_RECORD)
                (void)fsync(file);
}

static _Noreturn void run_db(unsigned char *memory, size_t bytes, int file)
{
        size_t slice = bytes / DB_SLICES / PAGE * PAGE;
        for (unsigned turn = 0;; turn++) {
                unsigned char *at = memory + turn % DB_SLICES * slice;
                touch(at, slice);
                write_record(file, at, turn);
                demo_nap_ms(250);
        }
}

/* --- demo-batch: traffic over a veth pair between two namespaces of its own ---------------------
 */

static struct sockaddr_in batch_address(uint32_t host)
{
        return (struct sockaddr_in){.sin_family = AF_INET,
                                    .sin_port = htons(BATCH_PORT),
                                    .sin_addr.s_addr = htonl(host)};
}

/* A socket bound on our end and connected to the other. fd or -errno. */
static int batch_socket(uint32_t ours, uint32_t theirs)
{
        struct sockaddr_in a = batch_address(ours), b = batch_address(theirs);
        _cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
            connect(fd, (struct sockaddr *)&b, sizeof(b)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* ECONNREFUSED of an earlier datagram and a full queue are passed over: the next one goes. */
static _Noreturn void run_peer(int wait)
{
        char data[BATCH_DATAGRAM], c;
        memset(data, 'd', sizeof(data));
        (void)prctl(PR_SET_NAME, "demo-peer");
        if (read(wait, &c, 1) != 1 || veth_up("eth0", htonl(BATCH_PEER), BATCH_PREFIX) < 0)
                _exit(1);
        drop_privileges();
        int fd = batch_socket(BATCH_PEER, BATCH_LEADER);
        if (fd < 0)
                _exit(1);
        for (;;) {
                for (unsigned i = 0; i < BATCH_BURST; i++)
                        (void)send(fd, data, sizeof(data), MSG_DONTWAIT | MSG_NOSIGNAL);
                while (recv(fd, data, sizeof(data), MSG_DONTWAIT) >= 0)
                        ;
                demo_nap_ms(BATCH_PAUSE_MS);
        }
}

/* The peer lives in the leader's pid namespace and so ends with it. The socket or -errno. */
static int prepare_batch(int control)
{
        int wait[2];
        if (pipe2(wait, O_CLOEXEC) < 0)
                return -errno;
        pid_t peer = demo_clone(CLONE_NEWNET);
        if (peer == 0) {
                (void)close(control);
                (void)close(wait[1]);
                run_peer(wait[0]);
        }
        (void)close(wait[0]);
        _cleanup_close_ int go = wait[1];
        if (peer < 0)
                return -errno;
        int r = veth_create("eth0", "eth0", peer);
        if (r >= 0)
                r = veth_up("eth0", htonl(BATCH_LEADER), BATCH_PREFIX);
        if (r >= 0)
                r = batch_socket(BATCH_LEADER, BATCH_PEER);
        if (r >= 0)
                (void)!write(go, "v", 1);
        return r;
}

static _Noreturn void run_batch(int fd)
{
        char data[BATCH_DATAGRAM];
        for (unsigned n = 0;;) {
                while (fd >= 0 && recv(fd, data, sizeof(data), MSG_DONTWAIT) > 0)
                        if (n++ % BATCH_ECHO_EACH == 0)
                                (void)send(fd, data, sizeof(data), MSG_DONTWAIT | MSG_NOSIGNAL);
                demo_nap_ms(BATCH_PAUSE_MS);
        }
}

/* --- the way in ------------------------------------------------------------------------------- */

static void answer(int control, struct demo_ready ready)
{
        if (send(control, &ready, sizeof(ready), MSG_NOSIGNAL) < 0 || ready.error < 0)
                _exit(1); /* the keeper is gone, or will end us */
        (void)close(control);
}

static int furnish(const char *name)
{
        if (sethostname(name, strlen(name)) < 0)
                return -errno;
        return change_root();
}

_Noreturn void demo_load_run(const struct demo_load *load)
{
        struct demo_go go;
        struct demo_ready ready = {0};
        unsigned char *memory = NULL;
        int net = -1, keep[] = {load->control, load->file};

        /* set before the first word from the keeper, so a keeper that died unseen ends us at recv
         * or send */
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        reset_signals();
        (void)prctl(PR_SET_NAME, load->name);
        demo_close_others(keep, ARRAY_SIZE(keep));
        if (recv(load->control, &go, sizeof(go), 0) != sizeof(go))
                _exit(1);
        ready.error = furnish(load->name);
        if (!ready.error && load->kind == DEMO_DB && !(memory = hold_memory(load->work_set)))
                ready.error = -ENOMEM;
        if (!ready.error && load->kind == DEMO_BATCH)
                ready.no_veth = (net = prepare_batch(load->control)) < 0;
        drop_privileges();
        answer(load->control, ready);
        if (load->kind == DEMO_WEB)
                run_web(go.limited);
        if (load->kind == DEMO_DB)
                run_db(memory, load->work_set, load->file);
        run_batch(net);
}

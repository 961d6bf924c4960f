/* SPDX-License-Identifier: MIT */
#include "runtime/bus.h"

#include <errno.h>

#include "base/macros.h"
#include "base/mem.h"

#define SYSTEMD_NAME    "org.freedesktop.systemd1"
#define SYSTEMD_PATH    "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"

/* How long systemd waits between SIGTERM and SIGKILL when somebody stops the scope. */
#define STOP_USEC UINT64_C(5000000)

struct bus_scope {
        sd_bus *bus;
        sd_bus_slot *removed; /* the match on JobRemoved */
        sd_bus_slot *call;
        char *unit;
        bool accepted; /* the call was answered */
        bool started;  /* the job is done */
        int error;
};

int bus_open(bool user, sd_bus **ret)
{
        sd_bus *bus = NULL;
        int r = user ? sd_bus_open_user(&bus) : sd_bus_open_system(&bus);
        if (r < 0)
                return r;
        *ret = bus;
        return 0;
}

static int on_job_removed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct bus_scope *s = userdata;
        const char *job, *unit, *result;
        uint32_t id;
        (void)error;
        if (sd_bus_message_read(m, "uoss", &id, &job, &unit, &result) < 0 || !streq(unit, s->unit))
                return 0;
        if (streq(result, "done"))
                s->started = true;
        else
                s->error = -EIO;
        return 0;
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct bus_scope *s = userdata;
        (void)error;
        if (sd_bus_message_is_method_error(m, SD_BUS_ERROR_NO_REPLY))
                s->error = -ENOTCONN; /* no timeout is set: the other side is gone */
        else if (sd_bus_message_is_method_error(m, NULL))
                s->error = -sd_bus_message_get_errno(m);
        else
                s->accepted = true;
        return 0;
}

static int append_properties(sd_bus_message *m, const char *description, pid_t pid)
{
        return sd_bus_message_append(m, "a(sv)a(sa(sv))", 5, "Description", "s", description,
                                     "Delegate", "b", 1, "CollectMode", "s", "inactive-or-failed",
                                     "TimeoutStopUSec", "t", STOP_USEC, "PIDs", "au", 1,
                                     (uint32_t)pid, 0);
}

/*
 * The flag for interactive authorization stays off: polkit refuses at once instead of asking.
 * Auto-start stays on: a user's bus may be started by our very connection, and then holds the call
 * back until the manager, which runs already, has its name there.
 */
static int send_start(struct bus_scope *s, const char *description, pid_t pid)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r = sd_bus_message_new_method_call(s->bus, &m, SYSTEMD_NAME, SYSTEMD_PATH,
                                               SYSTEMD_MANAGER, "StartTransientUnit");
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", s->unit, "fail");
        if (r >= 0)
                r = append_properties(m, description, pid);
        if (r >= 0)
                r = sd_bus_call_async(s->bus, &s->call, m, on_answer, s, UINT64_MAX);
        return r;
}

int bus_scope_begin(sd_bus *bus, const char *unit, const char *description, pid_t pid,
                    struct bus_scope **ret)
{
        struct bus_scope *s = xcalloc(1, sizeof(*s));
        s->bus = sd_bus_ref(bus);
        s->unit = xstrdup(unit);
        /* the bus handles messages in order: the match is in place before the job can end */
        int r = sd_bus_match_signal_async(bus, &s->removed, SYSTEMD_NAME, SYSTEMD_PATH,
                                          SYSTEMD_MANAGER, "JobRemoved", on_job_removed, NULL, s);
        if (r >= 0)
                r = send_start(s, description, pid);
        if (r < 0) {
                bus_scope_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

int bus_scope_step(struct bus_scope *s, uint64_t wait_usec)
{
        int r = sd_bus_process(s->bus, NULL);
        if (s->error < 0)
                return s->error;
        if (s->started && s->accepted)
                return 1;
        if (r == 0) /* nothing was there to handle */
                r = sd_bus_wait(s->bus, wait_usec);
        if (r == -EINTR)
                return 0;
        return r < 0 ? r : 0;
}

void bus_scope_free(struct bus_scope *s)
{
        if (!s)
                return;
        sd_bus_slot_unref(s->removed);
        sd_bus_slot_unref(s->call);
        sd_bus_unref(s->bus);
        free(s->unit);
        free(s);
}

/* SPDX-License-Identifier: MIT */
#pragma once

/* Small things the parts of --demo share. They allocate nothing: the loads run after a bare clone.
 */

#include <errno.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "base/macros.h"

static inline uint64_t demo_now_usec(void)
{
        struct timespec ts;
        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static inline void demo_nap_ms(unsigned ms)
{
        struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
        clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
}

/* What is left until the deadline, for poll(): never negative. */
static inline int demo_left_ms(uint64_t deadline_usec)
{
        uint64_t now = demo_now_usec();
        return now >= deadline_usec ? 0 : (int)((deadline_usec - now + 999) / 1000);
}

/* Closes everything above stderr but the n descriptors of keep (sorted in place, -1 allowed). */
static inline void demo_close_others(int *keep, size_t n)
{
        for (size_t i = 1; i < n; i++)
                for (size_t j = i; j > 0 && keep[j - 1] > keep[j]; j--) {
                        int t = keep[j];
                        keep[j] = keep[j - 1];
                        keep[j - 1] = t;
                }
        unsigned from = STDERR_FILENO + 1;
        for (size_t i = 0; i < n; i++) {
                if (keep[i] < (int)from)
                        continue;
                if ((unsigned)keep[i] > from)
                        (void)close_range(from, (unsigned)keep[i] - 1, 0);
                from = (unsigned)keep[i] + 1;
        }
        (void)close_range(from, UINT_MAX, 0);
}

/* A bare fork into new namespaces: glibc has no wrapper for clone() without a new stack. */
static inline pid_t demo_clone(unsigned long flags)
{
#if defined(__s390__) || defined(__CRIS__)
        return (pid_t)syscall(SYS_clone, NULL, flags | SIGCHLD, NULL, NULL, NULL);
#else
        return (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
#endif
}

/* Moves a process's idea of the time of day by DESK_TEST_SKEW_SECS, and leaves its stopwatch (CLOCK_MONOTONIC)
   alone, as a machine whose clock was set wrongly. Loaded by LD_PRELOAD; only for fault tests. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static time_t skew;

__attribute__((constructor)) static void read_skew(void) {
    const char *secs = getenv("DESK_TEST_SKEW_SECS");
    if (secs) skew = atol(secs);
}

int clock_gettime(clockid_t id, struct timespec *time) {
    int result = (int)syscall(SYS_clock_gettime, id, time);
    if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) time->tv_sec += skew;
    return result;
}

/* Makes every disk as slow as one likes: sleeps SLOW_FSYNC_US microseconds before each fsync and fdatasync.
 *
 * Preloaded into a process (LD_PRELOAD), and by inheritance into its children. Built by slow_fsync.py.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

typedef int (*sync_call)(int);

static void sleep_first(void)
{
    const char *asked = getenv("SLOW_FSYNC_US");
    long us = asked ? atol(asked) : 0;
    struct timespec left = {us / 1000000, us % 1000000 * 1000};
    while (us > 0 && nanosleep(&left, &left) == -1 && errno == EINTR)
        ;
}

int fsync(int descriptor)
{
    sleep_first();
    return ((sync_call)dlsym(RTLD_NEXT, "fsync"))(descriptor);
}

int fdatasync(int descriptor)
{
    sleep_first();
    return ((sync_call)dlsym(RTLD_NEXT, "fdatasync"))(descriptor);
}

/* A machine that misbehaves: a disk that is slow, fails or takes no writes, and a clock that is wrong.
 *
 * Preloaded into a process (LD_PRELOAD), and by inheritance into its children. What is wrong is read, at each call,
 * from a file that all of them share (PRELOADED_PANEL); a test changes it while they run. Built by preloaded.py.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define DATABASE "relay.db"
#define STEP_US 20000
#define REAL(name, type) ((type)dlsym(RTLD_NEXT, name))

static struct {
    int64_t sync_us;     /* how much longer each fsync takes */
    int64_t sync_errno;  /* what it then fails with */
    int64_t write_errno; /* what each write to a database file fails with, and each opening of one for writing */
    int64_t clock_s;     /* how far the clock of the day is ahead */
    int64_t slept_s;     /* for how long the machine was suspended: the clock that counts its work has missed it */
    int64_t logs_held;   /* how many fsyncs of a write-ahead log are being held up now: told, not asked */
} none, *panel = &none;

__attribute__((constructor)) static void look_at_panel(void)
{
    const char *path = getenv("PRELOADED_PANEL");
    int descriptor = path ? syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
    if (descriptor < 0)
        return;
    void *shared = mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (shared != MAP_FAILED)
        panel = shared;
    close(descriptor);
}

/* ── the disk ──────────────────────────────────────────────────────────────────────────────────────────────────── */

static const char *name_of(int descriptor, char *name, size_t size)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, name, size - 1);
    name[length < 0 ? 0 : length] = 0;
    return name;
}

static int is_log(int descriptor)
{
    char name[4096];
    return strstr(name_of(descriptor, name, sizeof name), "-wal") != NULL;
}

static int is_refused(int descriptor)
{
    char name[4096];
    if (!panel->write_errno || !strstr(name_of(descriptor, name, sizeof name), DATABASE))
        return 0;
    errno = panel->write_errno;
    return 1;
}

/* Wait so long, as far as that is still wished: who is held up for ever can be let go. */
static void hold_up(void)
{
    int64_t waited_us = 0, left_us;
    while ((left_us = panel->sync_us - waited_us) > 0) {
        int64_t step_us = left_us < STEP_US ? left_us : STEP_US;
        struct timespec left = {0, step_us * 1000};
        while (nanosleep(&left, &left) == -1 && errno == EINTR)
            ;
        waited_us += step_us;
    }
}

static int synced(int descriptor, const char *name)
{
    int counts = panel->sync_us > 0 && is_log(descriptor);
    __sync_fetch_and_add(&panel->logs_held, counts);
    hold_up();
    __sync_fetch_and_sub(&panel->logs_held, counts);
    if (panel->sync_errno) {
        errno = panel->sync_errno;
        return -1;
    }
    return REAL(name, int (*)(int))(descriptor);
}

int fsync(int descriptor) { return synced(descriptor, "fsync"); }

int fdatasync(int descriptor) { return synced(descriptor, "fdatasync"); }

ssize_t pwrite(int descriptor, const void *from, size_t count, off_t at)
{
    return is_refused(descriptor)
               ? -1
               : REAL("pwrite", ssize_t(*)(int, const void *, size_t, off_t))(descriptor, from, count, at);
}

ssize_t pwrite64(int descriptor, const void *from, size_t count, off64_t at)
{
    return is_refused(descriptor)
               ? -1
               : REAL("pwrite64", ssize_t(*)(int, const void *, size_t, off64_t))(descriptor, from, count, at);
}

int ftruncate(int descriptor, off_t length)
{
    return is_refused(descriptor) ? -1 : REAL("ftruncate", int (*)(int, off_t))(descriptor, length);
}

int ftruncate64(int descriptor, off64_t length)
{
    return is_refused(descriptor) ? -1 : REAL("ftruncate64", int (*)(int, off64_t))(descriptor, length);
}

static int opened(const char *call, const char *path, int flags, mode_t mode)
{
    if (panel->write_errno && (flags & O_ACCMODE) != O_RDONLY && strstr(path, DATABASE)) {
        errno = panel->write_errno;
        return -1;
    }
    return REAL(call, int (*)(const char *, int, ...))(path, flags, mode);
}

#define WITH_MODE(call)                                                                                                \
    mode_t mode = 0;                                                                                                   \
    if (flags & (O_CREAT | O_TMPFILE)) {                                                                               \
        va_list more;                                                                                                  \
        va_start(more, flags);                                                                                         \
        mode = va_arg(more, mode_t);                                                                                   \
        va_end(more);                                                                                                  \
    }                                                                                                                  \
    return opened(call, path, flags, mode);

int open(const char *path, int flags, ...) { WITH_MODE("open") }

int open64(const char *path, int flags, ...) { WITH_MODE("open64") }

/* ── the clock of the day ──────────────────────────────────────────────────────────────────────────────────────── */

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int done = syscall(SYS_clock_gettime, clock, now);
    if (done == 0 && clock == CLOCK_REALTIME)
        now->tv_sec += panel->clock_s;
    if (done == 0 && clock == CLOCK_MONOTONIC)
        now->tv_sec -= panel->slept_s;
    return done;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec exact;
    (void)zone;
    int done = clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return done;
}

time_t time(time_t *told)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (told)
        *told = now.tv_sec;
    return now.tv_sec;
}

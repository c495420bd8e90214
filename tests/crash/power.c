/* What is on the disk when the power goes: of the files in one folder, only what was synced.
 *
 * Loaded before libc (LD_PRELOAD). Every write is noted beside a shadow of its file before it is done, and a sync copies what was noted into the
 * shadow. A sync that fails forgets what was noted, as kernels do: those pages are clean then, and no later sync writes them. Notes outlive the
 * process, as its dirty pages do. After a power cut the shadows are the files.
 *
 * PAYSEAL_POWER_FOLDER and PAYSEAL_POWER_SHADOW name the folders. Every n-th sync fails with EIO for PAYSEAL_POWER_SYNC_FAILS=n; every n-th write is
 * cut short, and the one after it fails with ENOSPC, for PAYSEAL_POWER_FULL=n; with PAYSEAL_POWER_LIES=1 syncs succeed and do nothing; with
 * PAYSEAL_POWER_DIES=n the process dies instead of the n-th sync. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct note {
  int64_t at;
  int64_t length; /* negative: the file ends at `at` */
};

static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
static unsigned long syncs, writes;

static unsigned long setting(const char *name) {
  const char *value = getenv(name);
  return value ? strtoul(value, NULL, 10) : 0;
}

/* The shadow of an open file with a suffix; 0 where it is none of ours. The index of the log is no data. */
static int shadow_of(int file, const char *suffix, char *path) {
  char link[64], name[PATH_MAX];
  const char *folder = getenv("PAYSEAL_POWER_FOLDER"), *shadow = getenv("PAYSEAL_POWER_SHADOW");
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, name, sizeof name - 1);
  if (!folder || !shadow || length < 0) return 0;
  name[length] = 0;
  size_t prefix = strlen(folder);
  if (strncmp(name, folder, prefix) || name[prefix] != '/' || strstr(name, "-shm") || strstr(name, " (deleted)")) return 0;
  snprintf(path, PATH_MAX, "%s/%s%s", shadow, name + prefix + 1, suffix);
  return 1;
}

static void note(int file, int64_t at, int64_t length) {
  char path[PATH_MAX];
  struct note made = {at, length};
  if (!shadow_of(file, ".notes", path)) return;
  int notes = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (notes < 0 || syscall(SYS_write, notes, &made, sizeof made) != sizeof made) abort();
  syscall(SYS_close, notes);
}

/* Carries out what was noted, or forgets it. */
static void settle(int file, int keeps) {
  char path[PATH_MAX], noted[PATH_MAX];
  static char buffer[1 << 20];
  struct note made;
  if (!shadow_of(file, "", path) || !shadow_of(file, ".notes", noted)) return;
  int notes = syscall(SYS_openat, AT_FDCWD, noted, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  int shadow = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  /* Through a descriptor of our own: the file's may be for writing only. */
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  int source = syscall(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC, 0);
  if (notes < 0 || shadow < 0 || source < 0) abort();
  while (keeps && syscall(SYS_read, notes, &made, sizeof made) == sizeof made) {
    if (made.length < 0) {
      if (syscall(SYS_ftruncate, shadow, made.at)) abort();
      continue;
    }
    while (made.length > 0) {
      size_t most = made.length < (int64_t)sizeof buffer ? (size_t)made.length : sizeof buffer;
      ssize_t got = syscall(SYS_pread64, source, buffer, most, made.at);
      if (got <= 0) break;
      if (syscall(SYS_pwrite64, shadow, buffer, got, made.at) != got) abort();
      made.at += got;
      made.length -= got;
    }
  }
  if (syscall(SYS_ftruncate, notes, 0)) abort();
  syscall(SYS_close, notes);
  syscall(SYS_close, shadow);
  syscall(SYS_close, source);
}

static int sync_of(int file) {
  char path[PATH_MAX];
  if (!shadow_of(file, "", path)) return syscall(SYS_fsync, file);
  unsigned long nth = setting("PAYSEAL_POWER_SYNC_FAILS");
  if (setting("PAYSEAL_POWER_LIES")) return 0;
  pthread_mutex_lock(&one);
  ++syncs;
  if (setting("PAYSEAL_POWER_DIES") == syncs) raise(SIGKILL);
  int fails = nth && syncs % nth == 0;
  settle(file, !fails);
  pthread_mutex_unlock(&one);
  if (fails) errno = EIO;
  return fails ? -1 : 0;
}

/* SQLite is built to use fdatasync, or fsync where that is not told; of the bytes of a file and of its length both keep the same. */
int fsync(int file) { return sync_of(file); }
int fdatasync(int file) { return sync_of(file); }

static ssize_t write_at(int file, const void *bytes, size_t length, off64_t at) {
  char path[PATH_MAX];
  if (!shadow_of(file, "", path)) return syscall(SYS_pwrite64, file, bytes, length, at);
  unsigned long nth = setting("PAYSEAL_POWER_FULL");
  pthread_mutex_lock(&one);
  unsigned long turn = nth ? ++writes % nth : 1;
  if (nth && turn == 0) {
    pthread_mutex_unlock(&one);
    errno = ENOSPC;
    return -1;
  }
  if (nth && turn == nth - 1 && length > 1) length /= 2;
  note(file, at, length);
  ssize_t done = syscall(SYS_pwrite64, file, bytes, length, at);
  pthread_mutex_unlock(&one);
  return done;
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t at) { return write_at(file, bytes, length, at); }
ssize_t pwrite(int file, const void *bytes, size_t length, off_t at) { return write_at(file, bytes, length, at); }

static int cut(int file, off64_t length) {
  pthread_mutex_lock(&one);
  note(file, length, -1);
  int result = syscall(SYS_ftruncate, file, length);
  pthread_mutex_unlock(&one);
  return result;
}

int ftruncate(int file, off_t length) { return cut(file, length); }
int ftruncate64(int file, off64_t length) { return cut(file, length); }

/* A file that is gone is gone from the disk too: SQLite removes a log only when it needs it no more. */
int unlink(const char *name) {
  char path[PATH_MAX];
  int file = syscall(SYS_openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC, 0);
  if (file >= 0) {
    pthread_mutex_lock(&one);
    if (shadow_of(file, "", path)) syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (shadow_of(file, ".notes", path)) syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    pthread_mutex_unlock(&one);
    syscall(SYS_close, file);
  }
  return syscall(SYS_unlinkat, AT_FDCWD, name, 0);
}

#include "fork.h"

#include <errno.h>
#include <unistd.h>

#ifdef ANYFORK_LINUX

#include <sys/syscall.h>

/* The flag of memfd_create(2), which needs a newer C library than the system call. */
#define CLOSE_ON_EXEC 0x0001U

int fork_memory_file(void) {
  int fd = (int)syscall(SYS_memfd_create, "anyfork", CLOSE_ON_EXEC);
  return fd < 0 ? -errno : fd;
}

int fork_execute(const char *path, char *const arguments[], char *const environment[]) {
  execve(path, arguments, environment);
  return -errno;
}

#else

int fork_memory_file(void) { return -ENOSYS; }

int fork_execute(const char *path, char *const arguments[], char *const environment[]) {
  (void)path;
  (void)arguments;
  (void)environment;
  return -ENOSYS;
}

#endif

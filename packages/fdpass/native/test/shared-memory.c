#include "../fdpass.h"
#include "tests.h"

#include <assert.h>
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#define LENGTH 4096

void test_shared_memory(void) {
  int fd = fdpass_shared_memory(LENGTH);
#ifdef __linux__
  void *mapped;
  assert(fd >= 0 && fdpass_get_close_on_exec(fd) == 1);
  assert(ftruncate(fd, 0) < 0 && errno == EPERM);
  assert(ftruncate(fd, LENGTH * 2) < 0 && errno == EPERM);
  assert(fdpass_map(fd, LENGTH, &mapped) == 0);
  volatile int *words = mapped;
  assert(words[0] == 0 && words[LENGTH / sizeof *words - 1] == 0);
  pid_t child = fork();
  if (child == 0) {
    void *again;
    if (fdpass_map(fd, LENGTH, &again) != 0) _exit(1);
    ((volatile int *)again)[0] = 7;
    _exit(fdpass_unmap(again, LENGTH) == 0 ? 0 : 1);
  }
  int status;
  assert(waitpid(child, &status, 0) == child && status == 0);
  close(fd);
  assert(words[0] == 7); /* the mapping outlives the descriptor */
  assert(fdpass_unmap(mapped, LENGTH) == 0);
  assert(fdpass_map(fd, LENGTH, &mapped) == -EBADF);
#else
  assert(fd == -ENOSYS);
#endif
}

#include "../fork.h"
#include "tests.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* Returns the line of the first expectation that is not met. Else its program is replaced by one that exits with 0 if
 * it finds the file and its environment. */
static int execute(void *context) {
  (void)context;
  int fd = fork_memory_file();
  if (fd < 0 || fcntl(fd, F_GETFD) != FD_CLOEXEC) return __LINE__;
  if (write(fd, "text\n", 5) != 5 || lseek(fd, 0, SEEK_SET) != 0 || fcntl(fd, F_SETFD, 0) < 0) return __LINE__;
  char script[100];
  snprintf(script, sizeof script, "read word <&%d && test $0$word = atext && test $WORD = text", fd);
  char *const arguments[] = {"sh", "-c", script, "a", NULL};
  char *const environment[] = {"WORD=text", NULL};
  if (fork_execute("/no/such/program", arguments, environment) != -ENOENT) return __LINE__;
  fork_execute("/bin/sh", arguments, environment);
  return __LINE__;
}

void test_execute(void) { assert(status_of(start_child(execute, NULL)) == 0); }

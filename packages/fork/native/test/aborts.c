#include "../fork.h"
#include "tests.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A user without other processes, and not root, for whom the limit does not hold. */
#define OTHER_USER 54321

struct abortion {
  int socket;
  bool is_at_limit, is_closed;
};

static int abort_in_child(void *context) {
  const struct abortion *self = context;
  if (fork_report_thread_limit(self->socket, "the reason", 10) < 0) return 1;
  if (self->is_at_limit) {
    const struct rlimit none = {0, 0};
    if (setuid(OTHER_USER) < 0 || setrlimit(RLIMIT_NPROC, &none) < 0) return 1;
  }
  if (self->is_closed) close(self->socket);
  abort();
}

void test_abort_at_thread_limit(void) {
  if (getuid() != 0) return;
  for (int i = 0; i < 3; i++) {
    int pair[2];
    assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    pid_t pid = start_child(abort_in_child, &(struct abortion){pair[1], i > 0, i > 1});
    close(pair[1]);
    char bytes[16];
    ssize_t n = recv(pair[0], bytes, sizeof bytes, MSG_WAITALL);
    assert(i == 1 ? n == 10 && memcmp(bytes, "the reason", 10) == 0 : n == 0);
    int status = status_of(pid);
    assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    close(pair[0]);
  }
  static char large[FORK_MOST_REPORT + 1];
  assert(fork_report_thread_limit(0, large, sizeof large) == -EMSGSIZE);
  assert(fork_report_thread_limit(-1, large, 1) == -EBADF);
}

#include "fork.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

/* The disposition of a signal belongs to the process, so there is one of it for all threads that load the addon. In
 * fact only the main thread of a process that takes orders ignores SIGINT, in JavaScript; the lock makes the functions
 * safe without that. A forked child inherits both values, which are still true for it, as it inherits the disposition.
 * The lock is free in the child: no thread sleeps while it holds it, and fork_process() forks only while all other
 * threads sleep. */
static struct {
  pthread_mutex_t lock;
  bool is_ignored;         /* this file has set SIG_IGN */
  struct sigaction before; /* if so: the disposition to restore */
} interrupt = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int ignore(const struct sigaction *now) {
  if (interrupt.is_ignored && now->sa_handler == SIG_IGN) return 0;
  const struct sigaction ignore = {.sa_handler = SIG_IGN};
  if (sigaction(SIGINT, &ignore, NULL) < 0) return -errno;
  interrupt.before = *now;
  interrupt.is_ignored = true;
  return 0;
}

static int restore(const struct sigaction *now) {
  if (!interrupt.is_ignored || now->sa_handler != SIG_IGN) return 0;
  if (sigaction(SIGINT, &interrupt.before, NULL) < 0) return -errno;
  interrupt.is_ignored = false;
  return 0;
}

int fork_ignore_interrupt(int on) {
  struct sigaction now;
  pthread_mutex_lock(&interrupt.lock);
  int rc = sigaction(SIGINT, NULL, &now) < 0 ? -errno : on ? ignore(&now) : restore(&now);
  pthread_mutex_unlock(&interrupt.lock);
  return rc;
}

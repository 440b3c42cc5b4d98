#include "fdpass.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

#define TICK_NS 1000000
/* After so many ticks without anything put off, the thread ends. */
#define IDLE_TICKS 100
#define STACK_BYTES (64 * 1024)

struct fdpass_late {
  pthread_mutex_t lock;
  int socket;
  _Atomic int32_t *control;
  const char *bytes; /* NULL: nothing is put off */
  size_t size, from, written;
  unsigned generation;
  bool running, ending;
  pthread_t thread;
  pid_t process; /* the one that has the thread, or had it and has not joined it; 0: none */
};

/* Sends what is put off, and nothing beyond its buffer; the caller holds the lock. */
static int send_all(struct fdpass_late *late, int flags) {
  int32_t told = atomic_load(&late->control[FDPASS_LATE_END]);
  size_t end = told < 0 ? 0 : (size_t)told;
  if (end > late->size) end = late->size;
  while (late->written < end) {
    ssize_t n = send(late->socket, late->bytes + late->written, end - late->written, MSG_NOSIGNAL | flags);
    if (n >= 0)
      late->written += (size_t)n;
    else if (errno != EINTR)
      return -errno;
  }
  return 0;
}

static void *run(void *context) {
  struct fdpass_late *late = context;
  unsigned seen = 0;
  for (int idle = 0;;) {
    nanosleep(&(struct timespec){.tv_nsec = TICK_NS}, NULL);
    atomic_fetch_add(&late->control[FDPASS_LATE_TICKS], 1);
    pthread_mutex_lock(&late->lock);
    if (late->bytes == NULL)
      idle++;
    else
      idle = 0;
    /* Put off for a whole tick: whoever wanted to send it is busy. Errors are for its own next attempt. */
    if (late->bytes != NULL && late->generation == seen) send_all(late, MSG_DONTWAIT);
    seen = late->generation;
    if (late->ending || idle >= IDLE_TICKS) {
      late->running = false;
      pthread_mutex_unlock(&late->lock);
      return NULL;
    }
    pthread_mutex_unlock(&late->lock);
  }
}

/* Waits until the thread is out of this code, which may be unloaded next. A forked child
 * has no such thread, and what the system knew of it is gone. */
static void join_thread(struct fdpass_late *late) {
  if (late->process == getpid()) pthread_join(late->thread, NULL);
  late->process = 0;
}

/* All signals are the main thread's. */
static int start_thread(struct fdpass_late *late) {
  pthread_attr_t attributes;
  sigset_t all, old;
  join_thread(late); /* it has ended */
  int rc = pthread_attr_init(&attributes);
  if (rc != 0) return -rc;
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  rc = pthread_create(&late->thread, &attributes, run, late);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  pthread_attr_destroy(&attributes);
  if (rc == 0) late->process = getpid();
  return -rc;
}

int fdpass_late_make(int socket, int32_t *control, struct fdpass_late **out) {
  struct fdpass_late *late = malloc(sizeof *late);
  if (late == NULL) return -ENOMEM;
  *late = (struct fdpass_late){.socket = socket, .control = (_Atomic int32_t *)control};
  int rc = pthread_mutex_init(&late->lock, NULL);
  if (rc != 0) {
    free(late);
    return -rc;
  }
  *out = late;
  return 0;
}

int fdpass_late_put_off(struct fdpass_late *late, const void *bytes, size_t size, size_t from) {
  if (from > size) return -EINVAL;
  int rc = 0;
  pthread_mutex_lock(&late->lock);
  if (!late->running) rc = start_thread(late);
  if (rc == 0) {
    late->running = true;
    late->bytes = bytes;
    late->size = size;
    late->from = late->written = from;
    late->generation++;
  }
  pthread_mutex_unlock(&late->lock);
  return rc;
}

ssize_t fdpass_late_flush(struct fdpass_late *late) {
  pthread_mutex_lock(&late->lock);
  int rc = late->bytes == NULL ? 0 : send_all(late, 0);
  ssize_t count = (ssize_t)(late->written - late->from);
  late->bytes = NULL;
  late->from = late->written = 0;
  pthread_mutex_unlock(&late->lock);
  return rc < 0 ? rc : count;
}

void fdpass_late_end(struct fdpass_late *late) {
  if (late->process == getpid()) {
    pthread_mutex_lock(&late->lock);
    if (late->bytes != NULL) send_all(late, MSG_DONTWAIT);
    late->ending = true;
    pthread_mutex_unlock(&late->lock);
    join_thread(late);
  }
  pthread_mutex_destroy(&late->lock);
  free(late);
}

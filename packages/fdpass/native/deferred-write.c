#include "fdpass.h"
#include "socket-flags.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS 1000000
/* The number of ticks without deferred bytes after which the thread ends. */
#define IDLE_TICKS 100
#define STACK_BYTES (64 * 1024)

struct fdpass_deferred_writer {
  pthread_mutex_t lock;
  int socket;
  _Atomic int32_t *control;
  const char *bytes; /* NULL if nothing is deferred */
  size_t size, from, written;
  unsigned generation;
  bool running, ending;
  pthread_t thread;
  pid_t process; /* the process whose thread this is, until it has joined it; or 0 */
};

/* Sends the deferred bytes, but none beyond their buffer. The caller holds the lock. */
static int send_all(struct fdpass_deferred_writer *writer, int flags) {
  int32_t shared_end = atomic_load(&writer->control[FDPASS_DEFERRED_END]);
  size_t end = shared_end < 0 ? 0 : (size_t)shared_end;
  if (end > writer->size) end = writer->size;
  while (writer->written < end) {
    ssize_t n = send(writer->socket, writer->bytes + writer->written, end - writer->written, MSG_NOSIGNAL | flags);
    if (n >= 0)
      writer->written += (size_t)n;
    else if (errno != EINTR)
      return -errno;
  }
  return 0;
}

static void *run(void *context) {
  struct fdpass_deferred_writer *writer = context;
  unsigned seen = 0;
  for (int idle = 0;;) {
    nanosleep(&(struct timespec){.tv_nsec = TICK_NS}, NULL);
    atomic_fetch_add(&writer->control[FDPASS_DEFERRED_TICKS], 1);
    pthread_mutex_lock(&writer->lock);
    if (writer->bytes == NULL)
      idle++;
    else
      idle = 0;
    /* Deferred for a whole tick: the owner is busy. An error stays for its next attempt. */
    if (writer->bytes != NULL && writer->generation == seen) send_all(writer, MSG_DONTWAIT);
    seen = writer->generation;
    if (writer->ending || idle >= IDLE_TICKS) {
      writer->running = false;
      pthread_mutex_unlock(&writer->lock);
      return NULL;
    }
    pthread_mutex_unlock(&writer->lock);
  }
}

/* Waits until the thread has left this code, which may be unloaded next. A forked child does not have the thread, and
 * must not join it. */
static void join_thread(struct fdpass_deferred_writer *writer) {
  if (writer->process == getpid()) pthread_join(writer->thread, NULL);
  writer->process = 0;
}

/* Starts the thread with all signals blocked, so that they reach other threads. */
static int start_thread(struct fdpass_deferred_writer *writer) {
  pthread_attr_t attributes;
  sigset_t all, old;
  join_thread(writer); /* the former one, which has ended */
  int rc = pthread_attr_init(&attributes);
  if (rc != 0) return -rc;
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  rc = pthread_create(&writer->thread, &attributes, run, writer);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  pthread_attr_destroy(&attributes);
  if (rc == 0) writer->process = getpid();
  return -rc;
}

int fdpass_deferred_writer_make(int socket, int32_t *control, struct fdpass_deferred_writer **out) {
  struct fdpass_deferred_writer *writer = malloc(sizeof *writer);
  if (writer == NULL) return -ENOMEM;
  *writer = (struct fdpass_deferred_writer){.socket = socket, .control = (_Atomic int32_t *)control};
  int rc = pthread_mutex_init(&writer->lock, NULL);
  if (rc != 0) {
    free(writer);
    return -rc;
  }
  *out = writer;
  return 0;
}

int fdpass_defer_write(struct fdpass_deferred_writer *writer, const void *bytes, size_t size, size_t from) {
  if (from > size) return -EINVAL;
  int rc = 0;
  pthread_mutex_lock(&writer->lock);
  if (!writer->running) rc = start_thread(writer);
  if (rc == 0) {
    writer->running = true;
    writer->bytes = bytes;
    writer->size = size;
    writer->from = writer->written = from;
    writer->generation++;
  }
  pthread_mutex_unlock(&writer->lock);
  return rc;
}

ssize_t fdpass_flush_deferred(struct fdpass_deferred_writer *writer) {
  pthread_mutex_lock(&writer->lock);
  int rc = writer->bytes == NULL ? 0 : send_all(writer, 0);
  ssize_t count = (ssize_t)(writer->written - writer->from);
  writer->bytes = NULL;
  writer->from = writer->written = 0;
  pthread_mutex_unlock(&writer->lock);
  return rc < 0 ? rc : count;
}

void fdpass_deferred_writer_stop(struct fdpass_deferred_writer *writer) {
  if (writer->process != getpid()) return;
  pthread_mutex_lock(&writer->lock);
  writer->ending = true;
  pthread_mutex_unlock(&writer->lock);
  join_thread(writer);
  writer->ending = false;
}

void fdpass_deferred_writer_end(struct fdpass_deferred_writer *writer) {
  if (writer->process == getpid()) {
    pthread_mutex_lock(&writer->lock);
    if (writer->bytes != NULL) send_all(writer, MSG_DONTWAIT);
    writer->ending = true;
    pthread_mutex_unlock(&writer->lock);
    join_thread(writer);
  }
  pthread_mutex_destroy(&writer->lock);
  free(writer);
}

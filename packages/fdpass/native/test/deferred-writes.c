#include "../fdpass.h"
#include "tests.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Linked with --wrap=pthread_create. */
static bool is_without_threads;
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context) {
  return is_without_threads ? EAGAIN : __real_pthread_create(thread, attributes, run, context);
}

struct fixture {
  int pair[2];
  int32_t control[FDPASS_DEFERRED_CONTROLS];
  struct fdpass_deferred_writer *writer;
};

static struct fixture set_up(void) {
  struct fixture self = {0};
  assert(fdpass_socketpair(SOCK_STREAM, self.pair) == 0);
  return self;
}

/* The writer borrows `control`, so the fixture must be where it stays. */
static void make_writer(struct fixture *self) {
  assert(fdpass_deferred_writer_make(self->pair[0], self->control, &self->writer) == 0);
}

static void tear_down(struct fixture *self) {
  fdpass_deferred_writer_end(self->writer);
  close(self->pair[0]);
  close(self->pair[1]);
}

/* As JavaScript does it, with Atomics.store. */
static void set_end(struct fixture *self, int32_t end) {
  __atomic_store_n(&self->control[FDPASS_DEFERRED_END], end, __ATOMIC_SEQ_CST);
}

static int32_t ticks(struct fixture *self) {
  return __atomic_load_n(&self->control[FDPASS_DEFERRED_TICKS], __ATOMIC_SEQ_CST);
}

static void sleep_ms(long ms) { nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL); }

/* Reads exactly this text. */
static void expect(int socket, const char *text) {
  char bytes[64];
  for (size_t had = 0, size = strlen(text); had < size;) {
    ssize_t n = fdpass_read(socket, bytes, size - had);
    assert(n > 0 && memcmp(bytes, text + had, (size_t)n) == 0);
    had += (size_t)n;
  }
}

void test_watchdog(void) {
  struct fixture self = set_up();
  make_writer(&self);
  set_end(&self, 5);
  assert(fdpass_defer_write(self.writer, "-hello", 6, 7) == -EINVAL);
  assert(fdpass_defer_write(self.writer, "-hello", 6, 1) == 0);
  expect(self.pair[1], "hell");
  set_end(&self, 1000); /* beyond the buffer */
  expect(self.pair[1], "o");
  assert(fdpass_flush_deferred(self.writer) == 5);
  assert(fdpass_flush_deferred(self.writer) == 0); /* nothing is deferred */
  set_end(&self, -1);
  assert(fdpass_defer_write(self.writer, "x", 1, 0) == 0 && fdpass_flush_deferred(self.writer) == 0);
  tear_down(&self);
}

enum { ROUNDS = 200, ROUND_BYTES = 500 };

static void *read_numbers(void *context) {
  const int *socket = context;
  unsigned char bytes[256], next = 0;
  for (size_t total = 0; total < ROUNDS * ROUND_BYTES;) {
    ssize_t n = fdpass_read(*socket, bytes, sizeof bytes);
    assert(n > 0);
    for (ssize_t i = 0; i < n; i++) assert(bytes[i] == next++);
    total += (size_t)n;
  }
  return NULL;
}

void test_appending_while_watchdog_writes(void) {
  struct fixture self = set_up();
  make_writer(&self);
  pthread_t reader;
  assert(pthread_create(&reader, NULL, read_numbers, &self.pair[1]) == 0);
  unsigned char bytes[ROUND_BYTES], next = 0;
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < ROUND_BYTES; i++) {
      bytes[i] = next++;
      set_end(&self, i + 1);
      if (i == 0) assert(fdpass_defer_write(self.writer, bytes, sizeof bytes, 0) == 0);
      if (round % 8 == 0 && i % 100 == 0) sleep_ms(3); /* long enough for the watchdog */
    }
    assert(fdpass_flush_deferred(self.writer) == ROUND_BYTES);
  }
  assert(pthread_join(reader, NULL) == 0);
  tear_down(&self);
}

void test_restart_of_watchdog(void) {
  struct fixture self = set_up();
  make_writer(&self);
  for (int round = 0; round < 2; round++) {
    set_end(&self, 1);
    assert(fdpass_defer_write(self.writer, "a", 1, 0) == 0 && fdpass_flush_deferred(self.writer) == 1);
    expect(self.pair[1], "a");
    int32_t before;
    do { /* an idle watchdog counts a hundred ticks, and ends */
      before = ticks(&self);
      sleep_ms(100);
    } while (ticks(&self) != before);
  }
  fdpass_deferred_writer_stop(self.writer);
  fdpass_deferred_writer_stop(self.writer); /* has no thread */
  assert(fdpass_defer_write(self.writer, "b", 1, 0) == 0);
  expect(self.pair[1], "b"); /* from the watchdog, which has started again */
  assert(fdpass_flush_deferred(self.writer) == 1);
  tear_down(&self);
}

void test_end_of_writer(void) {
  struct fixture self = set_up();
  make_writer(&self);
  set_end(&self, 3);
  assert(fdpass_defer_write(self.writer, "abc", 3, 0) == 0);
  fdpass_deferred_writer_end(self.writer);
  expect(self.pair[1], "abc");

  make_writer(&self);
  set_end(&self, 1);
  close(self.pair[1]);
  self.pair[1] = fdpass_duplicate(0);
  assert(fdpass_defer_write(self.writer, "x", 1, 0) == 0);
  sleep_ms(5); /* the watchdog fails, and leaves the error for the owner */
  assert(fdpass_flush_deferred(self.writer) == -EPIPE);
  tear_down(&self);
}

static int end_in_child(void *context) {
  struct fixture *self = context;
  fdpass_deferred_writer_end(self->writer);
  return 0;
}

void test_writer_in_forked_child(void) {
  struct fixture self = set_up();
  make_writer(&self);
  set_end(&self, 1);
  assert(fdpass_defer_write(self.writer, "x", 1, 0) == 0);
  expect(self.pair[1], "x");
  assert(status_of(start_child(end_in_child, &self)) == 0);
  assert(fdpass_flush_deferred(self.writer) == 1);
  tear_down(&self);
}

void test_writer_without_resources(void) {
  struct fixture self = set_up();
  fail_allocations_after(0);
  assert(fdpass_deferred_writer_make(self.pair[0], self.control, &self.writer) == -ENOMEM);
  allow_allocations();
  make_writer(&self);
  set_end(&self, 1);
  is_without_threads = true;
  assert(fdpass_defer_write(self.writer, "x", 1, 0) == -EAGAIN);
  is_without_threads = false;
  assert(fdpass_flush_deferred(self.writer) == 0); /* was not deferred */
  assert(fdpass_defer_write(self.writer, "x", 1, 0) == 0 && fdpass_flush_deferred(self.writer) == 1);
  tear_down(&self);
}

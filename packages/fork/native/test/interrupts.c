#include "../fork.h"
#include "tests.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>

static volatile sig_atomic_t interrupts;

static void on_interrupt(int signal) {
  (void)signal;
  interrupts++;
}

void test_ignored_interrupt(void) {
  const struct sigaction count = {.sa_handler = on_interrupt};
  struct sigaction now;
  assert(sigaction(SIGINT, &count, NULL) == 0);
  assert(fork_ignore_interrupt(0) == 0); /* nothing to undo */
  assert(fork_ignore_interrupt(1) == 0 && fork_ignore_interrupt(1) == 0);
  raise(SIGINT);
  assert(interrupts == 0 && fork_ignore_interrupt(0) == 0);
  raise(SIGINT);
  assert(interrupts == 1);

  /* A disposition that other code has set in between stays. */
  assert(fork_ignore_interrupt(1) == 0 && sigaction(SIGINT, &count, NULL) == 0);
  assert(fork_ignore_interrupt(0) == 0 && sigaction(SIGINT, NULL, &now) == 0 && now.sa_handler == on_interrupt);
  assert(fork_ignore_interrupt(1) == 0 && fork_ignore_interrupt(0) == 0);
  assert(sigaction(SIGINT, NULL, &now) == 0 && now.sa_handler == on_interrupt);
  signal(SIGINT, SIG_DFL);
}

static void *ignore_often(void *context) {
  (void)context;
  for (int i = 0; i < 200; i++) assert(fork_ignore_interrupt(i % 2 == 0) == 0);
  return NULL;
}

void test_interrupt_in_threads(void) {
  pthread_t threads[3];
  struct sigaction now;
  for (int i = 0; i < 3; i++) assert(pthread_create(&threads[i], NULL, ignore_often, NULL) == 0);
  for (int i = 0; i < 3; i++) assert(pthread_join(threads[i], NULL) == 0);
  assert(fork_ignore_interrupt(0) == 0);
  assert(sigaction(SIGINT, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
}

#include "../all-threads/all-threads.h"
#include "../fork.h"
#include "tests.h"

#ifdef FORK_COPIES_THREADS

#include <assert.h>
#include <dlfcn.h>
#include <sys/auxv.h>
#include <sys/eventfd.h>
#include <unistd.h>

#ifndef SYS_rseq
#ifdef __x86_64__
#define SYS_rseq 334
#else
#define SYS_rseq 293
#endif
#endif
#define FEATURE_SIZE 27
#define ALIGN 28
#define FIRST_SIZE 32

unsigned long __real_getauxval(unsigned long type);
unsigned long __wrap_getauxval(unsigned long type);

/* What a kernel says that has more than the area of the C library has room for, as Linux 6.19. */
unsigned long __wrap_getauxval(unsigned long type) {
  if (type == FEATURE_SIZE) return FIRST_SIZE + 1;
  return type == ALIGN ? 2 * FIRST_SIZE : __real_getauxval(type);
}

/* Registers the area of the calling thread once more, as the C library has. Returns -EBUSY if it is registered so. */
static long register_again(void) {
  const ptrdiff_t *offset = dlsym(RTLD_DEFAULT, "__rseq_offset");
  return raw_call(SYS_rseq, (long)(thread_pointer() + (uintptr_t)*offset), FIRST_SIZE, 0, FORK_RSEQ_SIGNATURE, 0, 0);
}

struct waiting_thread {
  int event;
  long result;
};

static void *wait_and_register(void *context) {
  struct waiting_thread *self = context;
  uint64_t count;
  assert(read(self->event, &count, sizeof count) == sizeof count);
  self->result = register_again();
  return NULL;
}

static bool is_registered(struct waiting_thread *self, pthread_t thread) {
  return eventfd_write(self->event, 1) == 0 && pthread_join(thread, NULL) == 0 && self->result == -EBUSY;
}

static void fail_in_child(void *context) { (void)context; }

void test_restartable_sequences(void) {
  const unsigned int *size = CAN_PARK ? dlsym(RTLD_DEFAULT, "__rseq_size") : NULL;
  if (size == NULL || *size == 0 || *size > FIRST_SIZE || register_again() != -EBUSY) return;
  static struct waiting_thread waiting;
  waiting = (struct waiting_thread){.event = eventfd(0, 0)};
  pthread_t thread;
  uv_loop_t loop;
  assert(uv_loop_init(&loop) == 0 && pthread_create(&thread, NULL, wait_and_register, &waiting) == 0);
  pid_t pid = fork_process_with_threads(&loop, -1, fail_in_child, NULL);
  if (pid == 0) _exit(register_again() == -EBUSY && is_registered(&waiting, thread) ? 0 : 1);
  assert(pid > 0 && status_of(pid) == 0);
  assert(is_registered(&waiting, thread));
  close(waiting.event);
  assert(uv_loop_close(&loop) == 0);
}

#else

void test_restartable_sequences(void) {}

#endif

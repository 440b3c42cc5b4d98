#include "../fork.h"
#include "tests.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#define PAGE 4096

/* Linked with --wrap=madvise: imitates a device's mapping between others, which the kernel rejects (EINVAL). */
static bool is_device_mapped;
static int madvise_calls;
int __real_madvise(void *address, size_t length, int advice);
int __wrap_madvise(void *address, size_t length, int advice) {
  madvise_calls++;
  if (is_device_mapped && madvise_calls == 1) {
    errno = EINVAL;
    return -1;
  }
  return __real_madvise(address, length, advice);
}

/* Like V8's heap in Node: a page that a plain fork(2) does not copy. */
static char *map_unforkable_page(void) {
  char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert(page != MAP_FAILED && __real_madvise(page, PAGE, MADV_DONTFORK) == 0);
  page[0] = 42;
  return page;
}

static void on_timer(uv_timer_t *timer) {
  ++*(char *)timer->data;
  uv_close((uv_handle_t *)timer, NULL);
}

/* Forks. The child adds 1 to the page in a timer of its event loop, and exits with it. */
static void fork_and_run(uv_loop_t *loop) {
  char *page = map_unforkable_page();
  pid_t pid = fork_process(loop, fork_wait_for_threads);
  assert(pid >= 0);
  if (pid == 0) {
    uv_timer_t timer;
    timer.data = page;
    int rc = uv_timer_init(loop, &timer) || uv_timer_start(&timer, on_timer, 1, 0) || uv_run(loop, UV_RUN_DEFAULT);
    fork_exit(rc == 0 ? page[0] : 1);
  }
  int status = status_of(pid);
  assert(WIFEXITED(status) && WEXITSTATUS(status) == 43);
  assert(page[0] == 42 && munmap(page, PAGE) == 0);
}

void test_fork(void) {
  uv_loop_t loop;
  sigset_t before, after;
  pthread_sigmask(SIG_SETMASK, NULL, &before);
  assert(uv_loop_init(&loop) == 0);
  for (int i = 0; i < 3; i++) fork_and_run(&loop);
  assert(uv_loop_close(&loop) == 0);
  pthread_sigmask(SIG_SETMASK, NULL, &after);
  for (int signal = 1; signal < 32; signal++) assert(sigismember(&before, signal) == sigismember(&after, signal));
}

void test_fork_with_device(void) {
  uv_loop_t loop;
  assert(uv_loop_init(&loop) == 0);
  is_device_mapped = true;
  madvise_calls = 0;
  fork_and_run(&loop);
  is_device_mapped = false;
  assert(madvise_calls > 2 && uv_loop_close(&loop) == 0);
}

static int wait_for_none(void) { return 0; }

void test_fork_without_descriptors(void) {
  uv_loop_t loop;
  assert(uv_loop_init(&loop) == 0);
  assert(fork_inherit_memory() == 0); /* the first call reads a file */
  fill_table(0);
  pid_t pid = fork_process(&loop, wait_for_none);
  if (pid == 0) fork_exit(uv_run(&loop, UV_RUN_DEFAULT));
  empty_table();
  assert(pid > 0 && status_of(pid) == 0 && uv_loop_close(&loop) == 0);
}

static int signals_seen;

static void on_signal(uv_signal_t *handle, int number) {
  assert(number == SIGUSR2);
  signals_seen++;
  uv_close((uv_handle_t *)handle, NULL);
}

void test_caught_signal(void) {
  uv_loop_t loop;
  uv_signal_t handle;
  assert(uv_loop_init(&loop) == 0 && uv_signal_init(&loop, &handle) == 0);
  assert(uv_signal_start(&handle, on_signal, SIGUSR2) == 0);
  raise(SIGUSR2);
  pid_t pid = fork_process(&loop, wait_for_none);
  assert(pid >= 0);
  if (pid == 0) {
    uv_close((uv_handle_t *)&handle, NULL); /* libuv would wait for the signal, which is the parent's */
    int rc = uv_run(&loop, UV_RUN_DEFAULT);
    fork_exit(rc == 0 && signals_seen == 0 ? 0 : 1);
  }
  assert(uv_run(&loop, UV_RUN_DEFAULT) == 0 && signals_seen == 1);
  assert(status_of(pid) == 0 && uv_loop_close(&loop) == 0);
}

static bool must_sleep;

/* Runs until it is told to sleep, and sleeps until it is cancelled. */
static void *run_then_sleep(void *context) {
  (void)context;
  while (!__atomic_load_n(&must_sleep, __ATOMIC_SEQ_CST))
    ;
  for (;;) pause();
  return NULL;
}

static void *let_sleep(void *context) {
  (void)context;
  nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
  __atomic_store_n(&must_sleep, true, __ATOMIC_SEQ_CST);
  return NULL;
}

void test_threads_that_fall_asleep(void) {
  pthread_t running, other;
  assert(pthread_create(&running, NULL, run_then_sleep, NULL) == 0);
  assert(pthread_create(&other, NULL, let_sleep, NULL) == 0);
  assert(fork_wait_for_threads() == 0);
  assert(__atomic_load_n(&must_sleep, __ATOMIC_SEQ_CST));
  fill_table(0);
  int rc = fork_wait_for_threads();
  empty_table();
  assert(rc == -EMFILE);
  assert(pthread_join(other, NULL) == 0 && pthread_cancel(running) == 0 && pthread_join(running, NULL) == 0);
}

static void *sleep_for_ever(void *context) {
  (void)context;
  for (;;) pause();
  return NULL;
}

int know_other_threads(void) {
  int32_t ids[FORK_MOST_THREAD_DESCRIPTORS];
  size_t count = 0;
  DIR *tasks = opendir("/proc/self/task");
  for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
    int32_t id = atoi(entry->d_name);
    if (id > 0 && id != getpid()) ids[count++] = id;
  }
  closedir(tasks);
  return fork_know_threads(ids, count);
}

/* A sanitizer has a thread of its own. */
void test_known_threads(void) {
  pthread_t thread;
  int32_t many[FORK_MOST_THREAD_DESCRIPTORS] = {0}, descriptors[FORK_MOST_THREAD_DESCRIPTORS];
  assert(fork_wait_for_known_threads() == -ENOENT && fork_thread_descriptors(descriptors) == 0);
  assert(know_other_threads() == 0 && fork_has_known_threads() && fork_wait_for_known_threads() == 0);
  size_t before = fork_thread_descriptors(descriptors);
  assert(pthread_create(&thread, NULL, sleep_for_ever, NULL) == 0);
  assert(!fork_has_known_threads() && fork_wait_for_known_threads() == -ENOENT);
  assert(know_other_threads() == 0 && fork_wait_for_known_threads() == 0);
  assert(fork_thread_descriptors(descriptors) == before + 1 && descriptors[before] > 2);
  assert(pthread_cancel(thread) == 0 && pthread_join(thread, NULL) == 0);
  while (fork_wait_for_known_threads() == 0) /* the kernel lists it for a moment */
    ;
  assert(fork_wait_for_known_threads() == -ENOENT);
  fork_forget_threads();
  assert(fork_know_threads(many, FORK_MOST_THREAD_DESCRIPTORS) == -E2BIG && fork_know_threads(many, 1) == -ENOENT);
  fill_table(1);
  int rc = fork_know_threads(many, 1);
  empty_table();
  assert(rc == -EMFILE && fork_thread_descriptors(descriptors) == 0);
}

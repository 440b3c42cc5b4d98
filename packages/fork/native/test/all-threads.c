#include "../all-threads/all-threads.h"
#include "../fork.h"
#include "tests.h"

#ifdef FORK_COPIES_THREADS

#include <assert.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/futex.h>
#include <poll.h>
#include <sanitizer/asan_interface.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LONG_S 1000

/* One of each kind that a child opens anew. */
struct descriptors {
  int semaphore, same, event, timer, due, signals, watcher, set, outer, pipe[2], writer, dropped[2];
};

static struct descriptors open_all(void) {
  struct descriptors self = {
    .semaphore = eventfd(5, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC), .event = eventfd(0, 0)};
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  self.same = dup(self.semaphore);
  self.timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  self.due = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
  self.signals = signalfd(-1, &signals, SFD_NONBLOCK);
  self.watcher = inotify_init1(IN_CLOEXEC);
  self.set = epoll_create1(EPOLL_CLOEXEC);
  self.outer = epoll_create1(0);
  const struct itimerspec later = {.it_value = {LONG_S, 0}, .it_interval = {7, 8}}, now = {.it_value = {0, 1}};
  assert(timerfd_settime(self.timer, 0, &later, NULL) == 0 && timerfd_settime(self.due, 0, &now, NULL) == 0);
  assert(pipe2(self.pipe, O_CLOEXEC | O_NONBLOCK) == 0 && pipe(self.dropped) == 0);
  assert(fcntl(self.pipe[1], F_SETPIPE_SZ, 1 << 17) == 1 << 17);
  self.writer = dup(self.pipe[1]);
  assert(write(self.pipe[1], "octets", 6) == 6 && write(self.dropped[1], "x", 1) == 1);
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = 0x123456789abcdefULL};
  assert(epoll_ctl(self.set, EPOLL_CTL_ADD, self.semaphore, &event) == 0);
  event.data.u64 = 2;
  assert(epoll_ctl(self.outer, EPOLL_CTL_ADD, self.set, &event) == 0);
  return self;
}

static void close_all(const struct descriptors *self) {
  const int fds[] = {self->semaphore, self->same, self->event, self->timer, self->due, self->signals, self->watcher,
    self->set, self->outer, self->pipe[0], self->pipe[1], self->writer, self->dropped[0], self->dropped[1]};
  for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) close(fds[i]);
}

/* Uses all, and returns the line of the first expectation that is not met. */
static int use_all(const struct descriptors *self) {
  uint64_t count;
  char octets[10];
  struct itimerspec timer;
  struct epoll_event event;
  struct pollfd due = {.fd = self->due, .events = POLLIN};
  if (epoll_wait(self->outer, &event, 1, 0) != 1 || event.data.u64 != 2) return __LINE__;
  if (epoll_wait(self->set, &event, 1, 0) != 1 || event.data.u64 != 0x123456789abcdefULL) return __LINE__;
  if (epoll_wait(self->set, &event, 1, 0) != 0) return __LINE__; /* edge-triggered */
  for (int i = 0; i < 5; i++)
    if (read(i % 2 ? self->same : self->semaphore, &count, sizeof count) != sizeof count || count != 1) return __LINE__;
  if (read(self->semaphore, &count, sizeof count) != -1 || errno != EAGAIN) return __LINE__;
  if (fcntl(self->semaphore, F_GETFD) != FD_CLOEXEC || fcntl(self->event, F_GETFD) != 0) return __LINE__;
  if (fcntl(self->event, F_GETFL) & O_NONBLOCK) return __LINE__;
  if (timerfd_gettime(self->timer, &timer) < 0 || timer.it_value.tv_sec < LONG_S / 2) return __LINE__;
  if (timer.it_interval.tv_sec != 7 || timer.it_interval.tv_nsec != 8) return __LINE__;
  if (poll(&due, 1, 1000) != 1 || read(self->due, &count, sizeof count) != sizeof count || count != 1) return __LINE__;
  if (read(self->signals, octets, sizeof octets) != -1 || errno != EINVAL) return __LINE__; /* too small a buffer */
  if (inotify_add_watch(self->watcher, "/", IN_CREATE) != 1) return __LINE__;
  if (read(self->pipe[0], octets, sizeof octets) != 6 || memcmp(octets, "octets", 6) != 0) return __LINE__;
  if (write(self->writer, "more", 4) != 4 || read(self->pipe[0], octets, sizeof octets) != 4) return __LINE__;
  if (fcntl(self->pipe[0], F_GETPIPE_SZ) != 1 << 17) return __LINE__;
  return 0;
}

void test_renewed_descriptors(void) {
  struct descriptors all = open_all();
  struct pollfd due = {.fd = all.due, .events = POLLIN};
  assert(poll(&due, 1, -1) == 1);
  int shared[2];
  assert(pipe2(shared, O_NONBLOCK) == 0);
  size_t open = open_descriptors();
  assert(fork_note_descriptors(all.dropped[0], shared[0]) == 0 && open_descriptors() == open);
  assert(fork_is_renewed(all.event) && fork_is_renewed(all.pipe[0]) && !fork_is_renewed(all.set));
  pid_t pid = fork();
  if (pid == 0) {
    int dropped, rc = fork_renew_descriptors(), line = rc < 0 ? __LINE__ : use_all(&all);
    if (line == 0 && (ioctl(all.dropped[0], FIONREAD, &dropped) < 0 || dropped != 0)) line = __LINE__;
    if (line == 0 && open_descriptors() != open) line = __LINE__;
    if (line == 0 && write(shared[1], "shared", 6) != 6) line = __LINE__;
    _exit(line > 255 ? 255 : line);
  }
  assert(status_of(pid) == 0);
  assert(use_all(&all) == 0); /* the child has used its own */
  char octets[7];
  assert(read(shared[0], octets, sizeof octets) == 6 && close(shared[0]) == 0 && close(shared[1]) == 0);
  assert(fork_note_descriptors(-1, -1) == -ENOTSUP && strstr(fork_refusal(), "watches files"));
  close_all(&all);
}

void test_renewal_with_full_table(void) {
  struct descriptors all = open_all();
  assert(fork_note_descriptors(-1, -1) == 0);
  fill_table(0);
  pid_t pid = fork();
  if (pid == 0) _exit(fork_renew_descriptors() == 0 && use_all(&all) == 0 ? 0 : 1);
  int rc = fork_note_descriptors(-1, -1);
  empty_table();
  assert(rc == -EMFILE && status_of(pid) == 0);
  close_all(&all);
}

/* A thread that waits in a system call, or runs, until the test ends it. */
struct thread {
  int event;
  bool runs, must_end;
  int interruptions;
};

static void *wait_or_run(void *context) {
  struct thread *self = context;
  uint64_t count;
  while (self->runs && !__atomic_load_n(&self->must_end, __ATOMIC_SEQ_CST))
    ;
  while (!self->runs && read(self->event, &count, sizeof count) < 0) self->interruptions++;
  return NULL;
}

static bool is_renewed_event(int fd) { return fd > 2; }

void test_parked_threads(void) {
  if (!CAN_PARK) return;
  struct thread waiting = {.event = eventfd(0, 0)}, running = {.runs = true};
  struct fork_threads threads;
  pthread_t one, other;
  assert(fork_obstacle_to_threads() == NULL);
  assert(pthread_create(&one, NULL, wait_or_run, &waiting) == 0);
  assert(pthread_create(&other, NULL, wait_or_run, &running) == 0);
  bool is_waiting_safe = false, is_running_refused = false;
  for (int i = 0; i < 100; i++) {
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    uint64_t blocked = fork_block_signals();
    if (fork_park(&threads) < 0) {
      fork_restore_signals(blocked);
      continue;
    } /* a thread that has just been made blocks all signals */
    is_waiting_safe = is_running_refused = false;
    const struct fork_thread *refused = NULL;
    for (size_t k = 0; k < threads.count; k++) {
      assert(threads.all[k].is_known && *threads.all[k].identity.tid == threads.all[k].tid);
      if (fork_is_at_safe_point(&threads.all[k], is_renewed_event))
        is_waiting_safe = true;
      else
        refused = &threads.all[k];
    }
    fork_unpark();
    fork_restore_signals(blocked);
    if (refused) is_running_refused = fork_refuse_thread(refused) == -EBUSY && strstr(fork_refusal(), "is running");
  }
  assert(is_waiting_safe && is_running_refused);
  __atomic_store_n(&running.must_end, true, __ATOMIC_SEQ_CST);
  assert(eventfd_write(waiting.event, 1) == 0);
  assert(pthread_join(one, NULL) == 0 && pthread_join(other, NULL) == 0);
  assert(waiting.interruptions == 0); /* the call was made again */
  close(waiting.event);
}

/* Parks the other thread, which may still be starting. */
static void park_one(struct fork_threads *threads) {
  int rc;
  for (int i = 0; (rc = fork_park(threads)) == -EBUSY && i < 1000; i++)
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  assert(rc == 0 && threads->count == 1);
}

static uint32_t word;

static void *wait_for_word(void *context) {
  while (__atomic_load_n(&word, __ATOMIC_SEQ_CST) == 0) syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
  return context;
}

static bool is_never_renewed(int fd) { return fd < 0; }

/* A thread that waits for a word is safe until the word changes, even before it is woken. */
void test_thread_with_work(void) {
  if (!CAN_PARK) return;
  word = 0;
  struct fork_threads threads;
  pthread_t thread;
  assert(pthread_create(&thread, NULL, wait_for_word, NULL) == 0);
  bool was_safe = false, is_safe = true;
  for (int i = 0; !was_safe && i < 1000; i++) {
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL); /* until it waits */
    uint64_t blocked = fork_block_signals();
    park_one(&threads);
    ASAN_POISON_MEMORY_REGION(&word, sizeof word); /* as the locks of the sanitizer are */
    was_safe = fork_is_at_safe_point(&threads.all[0], is_never_renewed);
    ASAN_UNPOISON_MEMORY_REGION(&word, sizeof word);
    if (was_safe) {
      __atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
      is_safe = fork_is_at_safe_point(&threads.all[0], is_never_renewed);
    }
    fork_unpark();
    fork_restore_signals(blocked);
  }
  assert(was_safe && !is_safe);
  assert(pthread_join(thread, NULL) == 0);
}

#define ALTERNATE_SIZE ((size_t)1 << 16)

/* A thread with an alternate stack for signals (sigaltstack(2)). */
struct two_stacks {
  struct thread thread;
  _Alignas(16) char alternate[ALTERNATE_SIZE];
  stack_t after;
};

static void *wait_with_two_stacks(void *context) {
  struct two_stacks *self = context;
  const stack_t alternate = {.ss_sp = self->alternate, .ss_size = ALTERNATE_SIZE};
  stack_t before; /* that of a sanitizer */
  assert(sigaltstack(&alternate, &before) == 0);
  wait_or_run(&self->thread);
  assert(sigaltstack(&before, &self->after) == 0);
  return NULL;
}

static void fail_in_child(void *context) { (void)context; }

/* Lets the thread end, and returns whether it has its alternate stack still. */
static bool ends_with_alternate_stack(struct two_stacks *self, pthread_t thread) {
  if (eventfd_write(self->thread.event, 1) < 0 || pthread_join(thread, NULL) != 0) return false;
  return self->after.ss_sp == self->alternate && self->after.ss_size == ALTERNATE_SIZE && self->after.ss_flags == 0;
}

void test_alternate_stack(void) {
  if (!CAN_PARK) return;
  static struct two_stacks self;
  self = (struct two_stacks){.thread = {.event = eventfd(0, 0)}};
  struct fork_threads threads;
  pthread_t thread;
  uv_loop_t loop;
  assert(uv_loop_init(&loop) == 0);
  assert(pthread_create(&thread, NULL, wait_with_two_stacks, &self) == 0);
  bool is_alternate = false;
  for (int i = 0; !is_alternate && i < 1000; i++) {
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL); /* until it waits */
    uint64_t blocked = fork_block_signals();
    park_one(&threads);
    const char *frame = threads.all[0].frame;
    is_alternate = frame >= self.alternate && frame < self.alternate + ALTERNATE_SIZE;
    fork_unpark();
    fork_restore_signals(blocked);
  }
  assert(is_alternate);
  pid_t pid = fork_process_with_threads(&loop, -1, fail_in_child, NULL);
  if (pid == 0) _exit(ends_with_alternate_stack(&self, thread) ? 0 : 1);
  assert(pid > 0 && status_of(pid) == 0);
  assert(ends_with_alternate_stack(&self, thread));
  close(self.thread.event);
  assert(uv_loop_close(&loop) == 0);
}

/* A user without other processes, and not root, for whom the limit does not hold. */
#define OTHER_USER 54322
#define MANY_THREADS 40
#define MISSING_THREADS 5

struct pollers {
  pid_t owner;
  bool has_run_elsewhere, must_end;
};

/* Notes in shared memory if it runs in another process than that of its owner. */
static void *poll_and_note(void *context) {
  struct pollers *self = context;
  while (!__atomic_load_n(&self->must_end, __ATOMIC_SEQ_CST)) {
    poll(NULL, 0, 20);
    if (getpid() != self->owner) __atomic_store_n(&self->has_run_elsewhere, true, __ATOMIC_SEQ_CST);
  }
  return NULL;
}

static int fork_where_threads_have_no_room(void *context) {
  struct pollers *self = context;
  pthread_t threads[MANY_THREADS];
  uv_loop_t loop;
  self->owner = getpid();
  if (setuid(OTHER_USER) < 0 || uv_loop_init(&loop) < 0) return 1;
  for (int i = 0; i < MANY_THREADS; i++)
    if (pthread_create(&threads[i], NULL, poll_and_note, self) != 0) return 2;
  const struct rlimit limit = {2 * (MANY_THREADS + 1) - MISSING_THREADS, 2 * (MANY_THREADS + 1)};
  if (setrlimit(RLIMIT_NPROC, &limit) < 0) return 3;
  pid_t pid = fork_process_with_threads(&loop, -1, fail_in_child, NULL);
  if (pid == 0) _exit(0);
  int status = pid > 0 ? status_of(pid) : -1;
  __atomic_store_n(&self->must_end, true, __ATOMIC_SEQ_CST);
  for (int i = 0; i < MANY_THREADS; i++) pthread_join(threads[i], NULL);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 1) return 4;
  return self->has_run_elsewhere ? 5 : 0;
}

void test_child_without_room_for_its_threads(void) {
  if (!CAN_PARK || getuid() != 0) return;
  struct pollers *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  assert(shared != MAP_FAILED);
  for (int i = 0; i < 3; i++) {
    *shared = (struct pollers){0};
    int status = status_of(start_child(fork_where_threads_have_no_room, shared));
    assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  assert(munmap(shared, sizeof *shared) == 0);
}

static void *block_and_wait(void *context) {
  const uint64_t all = ~0ULL;
  raw_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, 0, sizeof all, 0, 0);
  return wait_or_run(context);
}

void test_thread_that_does_not_park(void) {
  if (!CAN_PARK) return;
  struct thread blocking = {.event = eventfd(0, 0)};
  struct fork_threads threads;
  pthread_t thread;
  assert(pthread_create(&thread, NULL, block_and_wait, &blocking) == 0);
  nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
  int rc = fork_park(&threads);
  assert(rc == -EBUSY && strstr(fork_refusal(), "blocks signal 32"));
  assert(eventfd_write(blocking.event, 1) == 0 && pthread_join(thread, NULL) == 0);
  close(blocking.event);
}

void test_thread_without_descriptors_to_look_at_it(void) {
  if (!CAN_PARK) return;
  struct thread blocking = {.event = eventfd(0, 0)};
  struct fork_threads threads;
  pthread_t thread;
  assert(pthread_create(&thread, NULL, block_and_wait, &blocking) == 0);
  nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
  fill_table(1);
  int rc = fork_park(&threads);
  empty_table();
  assert(rc == -EMFILE);
  assert(eventfd_write(blocking.event, 1) == 0 && pthread_join(thread, NULL) == 0);
  close(blocking.event);
}

#define MANY_GROUPS 2000

static int park_with_many_groups(void *context) {
  static gid_t groups[MANY_GROUPS];
  for (gid_t i = 0; i < MANY_GROUPS; i++) groups[i] = 1000000000 + i;
  struct thread blocking = {.event = eventfd(0, 0)};
  struct fork_threads threads;
  pthread_t thread;
  (void)context;
  if (setgroups(MANY_GROUPS, groups) < 0 || pthread_create(&thread, NULL, block_and_wait, &blocking) != 0) return 1;
  nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
  return fork_park(&threads) == -EBUSY && strstr(fork_refusal(), "blocks signal 32") ? 0 : 2;
}

void test_thread_of_member_of_many_groups(void) {
  if (CAN_PARK && getuid() == 0) assert(status_of(start_child(park_with_many_groups, NULL)) == 0);
}

void test_thread_without_room_for_a_signal(void) {
  if (!CAN_PARK) return;
  struct thread waiting = {.event = eventfd(0, 0)};
  struct fork_threads threads;
  struct rlimit before;
  pthread_t thread;
  assert(pthread_create(&thread, NULL, wait_or_run, &waiting) == 0);
  assert(getrlimit(RLIMIT_SIGPENDING, &before) == 0);
  assert(setrlimit(RLIMIT_SIGPENDING, &(struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max}) == 0);
  int rc = -EBUSY;
  for (int i = 0; i < 100 && !(rc == -EBUSY && strstr(fork_refusal(), "RLIMIT_SIGPENDING")); i++) {
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    uint64_t blocked = fork_block_signals();
    rc = fork_park(&threads);
    if (rc == 0) fork_unpark();
    fork_restore_signals(blocked);
  }
  assert(setrlimit(RLIMIT_SIGPENDING, &before) == 0);
  assert(rc == -EBUSY && strstr(fork_refusal(), "RLIMIT_SIGPENDING"));
  assert(eventfd_write(waiting.event, 1) == 0 && pthread_join(thread, NULL) == 0);
  close(waiting.event);
}

#else

void test_renewed_descriptors(void) {}
void test_renewal_with_full_table(void) {}
void test_parked_threads(void) {}
void test_thread_with_work(void) {}
void test_thread_that_does_not_park(void) {}
void test_thread_without_room_for_a_signal(void) {}
void test_alternate_stack(void) {}
void test_thread_without_descriptors_to_look_at_it(void) {}
void test_child_without_room_for_its_threads(void) {}
void test_thread_of_member_of_many_groups(void) {}

#endif

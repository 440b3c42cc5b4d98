#include "run-tests.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_DESCRIPTORS 1024
#define SMALL_TABLE 64

static struct rlimit limit_before;
static int duplicates[SMALL_TABLE];
static size_t duplicate_count;

/* Reports whether valgrind runs this program: it preloads libraries of its own. */
static bool is_under_valgrind(void) {
  const char *preloaded = getenv("LD_PRELOAD");
  return preloaded != NULL && strstr(preloaded, "vgpreload") != NULL;
}

static bool has_children(void) {
  siginfo_t info = {0};
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

int run_tests(const struct test *tests, size_t count) {
  setvbuf(stdout, NULL, _IONBF, 0); /* children must not inherit buffered output */
  for (size_t i = 0; i < count; i++) {
    if (tests[i].needs_kernel && is_under_valgrind()) {
      printf("  - %s (skipped under valgrind)\n", tests[i].title);
      continue;
    }
    size_t open = open_descriptors();
    printf("  %s\n", tests[i].title);
    tests[i].run();
    assert(open_descriptors() == open);
    assert(!has_children());
  }
  printf("  %zu tests have passed\n", count);
  return 0;
}

size_t open_descriptors(void) {
  size_t count = 0;
  for (int fd = 0; fd < MOST_DESCRIPTORS; fd++) count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

void fill_table(size_t spare) {
  assert(duplicate_count == 0 && getrlimit(RLIMIT_NOFILE, &limit_before) == 0);
  struct rlimit small = {.rlim_cur = SMALL_TABLE, .rlim_max = limit_before.rlim_max};
  assert(setrlimit(RLIMIT_NOFILE, &small) == 0);
  for (int fd; (fd = dup(0)) >= 0;) duplicates[duplicate_count++] = fd;
  assert(errno == EMFILE && spare <= duplicate_count);
  while (spare-- > 0) close(duplicates[--duplicate_count]);
}

void empty_table(void) {
  while (duplicate_count > 0) close(duplicates[--duplicate_count]);
  assert(setrlimit(RLIMIT_NOFILE, &limit_before) == 0);
}

pid_t start_child(int (*body)(void *context), void *context) {
  pid_t pid = fork();
  assert(pid >= 0);
  if (pid == 0) _exit(body(context));
  return pid;
}

static int wait_for_signal(void *context) {
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* if a test fails */
  for (;;) pause();
  return context == NULL;
}

pid_t start_waiting_child(void) { return start_child(wait_for_signal, NULL); }

int status_of(pid_t pid) {
  int status;
  pid_t rc;
  do rc = waitpid(pid, &status, 0);
  while (rc < 0 && errno == EINTR);
  assert(rc == pid);
  return status;
}

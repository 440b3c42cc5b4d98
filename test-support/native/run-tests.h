/* Runs the tests of C code that knows no JavaScript. scripts/sanitize links the files of this folder with the native
 * code of a package and with the tests in its native/test/. */
#ifndef RUN_TESTS_H
#define RUN_TESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* One test. It ends the program if an assert(3) fails. */
struct test {
  const char *title; /* a complete fact */
  void (*run)(void);
  bool
    needs_kernel; /* is skipped under valgrind, which emulates a part of the kernel: RLIMIT_NOFILE, signals, threads */
};

/* Runs the tests in their order. Ends the program unless each leaves as many open descriptors as before, and no child.
 * Returns 0, the exit code of the program. */
int run_tests(const struct test *tests, size_t count);

/* Returns the number of open descriptors below 1024. */
size_t open_descriptors(void);

/* Makes the descriptor table full: lowers RLIMIT_NOFILE (setrlimit(2)) to 64, and duplicates descriptor 0 until only
 * `spare` slots are free. */
void fill_table(size_t spare);
/* Closes the duplicates, and restores the limit. */
void empty_table(void);

/* Forks a child that runs `body` and exits with its result. The child is the caller's to reap: its pid is returned. */
pid_t start_child(int (*body)(void *context), void *context);
/* Forks a child that waits until a signal ends it. */
pid_t start_waiting_child(void);
/* Waits for a child, and returns its status as wait(2) does. */
int status_of(pid_t pid);

/* Lets the calls of malloc(3), calloc(3), and realloc(3) fail after `successes` more of them. Concerns the tested files
 * only, and the calling thread only. */
void fail_allocations_after(int successes);
void allow_allocations(void);

#endif

/* Linked with --wrap=malloc,--wrap=calloc,--wrap=realloc: the linker sends the calls of the files that it links here,
 * but not those of libraries (ld(1)). */
#include "run-tests.h"

#include <errno.h>
#include <limits.h>

/* Each thread has its own, so that a test can start others. */
static _Thread_local int successes_left = INT_MAX;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);

void fail_allocations_after(int successes) { successes_left = successes; }
void allow_allocations(void) { successes_left = INT_MAX; }

static bool is_allowed(void) {
  if (successes_left == INT_MAX || successes_left-- > 0) return true;
  successes_left = 0;
  errno = ENOMEM;
  return false;
}

void *__wrap_malloc(size_t size) { return is_allowed() ? __real_malloc(size) : NULL; }
void *__wrap_calloc(size_t count, size_t size) { return is_allowed() ? __real_calloc(count, size) : NULL; }
void *__wrap_realloc(void *memory, size_t size) { return is_allowed() ? __real_realloc(memory, size) : NULL; }

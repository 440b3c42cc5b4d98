#include "../fork.h"
#include "all-threads.h"

#ifdef FORK_COPIES_THREADS

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Global, because it outlives the call that failed. Only the thread that forks uses it. */
static char text[300];

int fork_refuse(int error, const char *format, ...) {
  char next[sizeof text]; /* an argument may be the present text */
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(next, sizeof next, format, arguments);
  va_end(arguments);
  memcpy(text, next, sizeof text);
  return error;
}

const char *fork_refusal(void) { return text; }

#else

const char *fork_refusal(void) { return "it needs Linux with glibc on x86-64 or arm64"; }

#endif

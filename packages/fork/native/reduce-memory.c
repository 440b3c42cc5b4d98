#include "fork.h"

#include <dlfcn.h>
#include <errno.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

/* Node-API has no such call. These are functions of V8's public C++ interface, looked up by the names that compilers
 * give them on Linux and macOS. Node 20 to 26 export them. */
#define GET_CURRENT "_ZN2v87Isolate10GetCurrentEv"
#define NOTIFY "_ZN2v87Isolate26MemoryPressureNotificationENS_19MemoryPressureLevelE"

enum pressure { NO_PRESSURE = 0, CRITICAL_PRESSURE = 2 }; /* v8::MemoryPressureLevel */

int fork_reduce_heap(void) {
  void *(*get_current)(void) = (void *(*)(void))dlsym(RTLD_DEFAULT, GET_CURRENT);
  void (*notify)(void *, enum pressure) = (void (*)(void *, enum pressure))dlsym(RTLD_DEFAULT, NOTIFY);
  if (get_current == NULL || notify == NULL) return -ENOSYS;
  void *isolate = get_current();
  notify(isolate, CRITICAL_PRESSURE); /* collects before it returns */
  notify(isolate, NO_PRESSURE);
  return 0;
}

int fork_trim_malloc(void) {
#ifdef __GLIBC__
  return malloc_trim(0);
#else
  return 0;
#endif
}

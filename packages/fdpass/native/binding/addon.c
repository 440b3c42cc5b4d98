#include "arguments.h"

NAPI_MODULE_INIT() {
  return define_descriptors(env, exports) && define_messages(env, exports) && define_connections(env, exports) &&
             define_watches(env, exports) && define_threads(env, exports) && define_deferred_writes(env, exports) &&
             define_shared_memory(env, exports)
           ? exports
           : NULL;
}

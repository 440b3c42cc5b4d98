/* What the files share that know JavaScript. */
#ifndef BINDING_H
#define BINDING_H

#include <node_api.h>

/* A function of JavaScript that is called by the event loop, on the thread of its environment. */
struct callback;

/* `name` is that of the asynchronous resource. Returns NULL with an exception pending if there is no memory. */
struct callback *callback_new(napi_env env, napi_value function, const char *name);

void callback_free(struct callback *self);

/* Calls the function, and then lets promise reactions and ticks run. What it throws is an uncaught error. */
void call_back(struct callback *self, size_t argc, const double *argv);

/* Adds the functions of the fork server to the addon. */
napi_value bind_server(napi_env env, napi_value exports);

#endif

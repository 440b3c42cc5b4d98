/**
 * The URLs of this package's own files. This is the only file that uses `import.meta`: the bundler moves modules into
 * files directly in `dist`, so the URL of any other module would change.
 */
import { createRequire } from 'node:module'
import { assertUnbundled } from '@anyfork/fdpass/internal/load-addon'

assertUnbundled('@anyfork/fork-rpc', import.meta.dirname)

/** Loads CommonJS modules, resolved from this package. */
export const requireModule: NodeJS.Require = createRequire(import.meta.url)

/** The module that serves calls one after the other, and blocks while it waits for the next. */
export const SYNC: URL = new URL('./child/sync.js', import.meta.url)

/** The module that serves calls on the event loop, many at a time. */
export const ASYNC: URL = new URL('./child/async.js', import.meta.url)

/** The module that serves a few calls in a template, so that its forks inherit the compiled code. */
export const WARM_UP: URL = new URL('./child/warm-up.js', import.meta.url)

/** The code that serves calls in a remote process, where nothing is installed. */
export const REMOTE_SERVE: URL = new URL('./remote/serve.cjs', import.meta.url)

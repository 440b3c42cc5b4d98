/**
 * Where this package's own files are. This is the only file that uses `import.meta`: the bundler
 * moves modules into files directly in `dist`, so the URL of any other module would change.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { assertUnbundled } from '@anyfork/fdpass/internal/load-addon'

assertUnbundled('@anyfork/fork', import.meta.dirname)

/** The folder of package.json, binding.gyp, and the prebuilt addons. */
export const PACKAGE_FOLDER: string = join(import.meta.dirname, '..')

/** Loads CommonJS modules as seen from this package. */
export const requireModule: NodeJS.Require = createRequire(import.meta.url)

/** The main program of every interpreter that takes orders. */
export const MAIN: string = fileURLToPath(new URL('./child/main.js', import.meta.url))

/** The module that `MAIN` loads once it has set V8's flags. */
export const TAKE_ORDERS: string = new URL('./child/take-orders.js', import.meta.url).href

/** The program that is sent to remote processes. */
export const REMOTE_PROGRAM: URL = new URL('./remote/program.cjs', import.meta.url)

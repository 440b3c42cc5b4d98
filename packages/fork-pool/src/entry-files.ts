/**
 * The paths of this package's own files. This is the only file that uses `import.meta`: the bundler moves modules into
 * files directly in `dist`, so the URL of any other module would change.
 */
import { readFileSync } from 'node:fs'
import { assertUnbundled } from '@anyfork/fdpass/internal/load-addon'

assertUnbundled('@anyfork/fork-pool', import.meta.dirname)

/** The module that a worker runs when it ends, if it may be forked then. */
export const EXIT_OR_REFORK: URL = new URL('./child/exit-or-refork.js', import.meta.url)

/** The module that calls functions for `fork-pool --results`. */
export const KEEP_OUTPUT: URL = new URL('./child/keep-output.js', import.meta.url)

/** The module that workers of a prefork server run. */
export const SERVE_PREFORK: URL = new URL('./child/serve-prefork.js', import.meta.url)

/** What code in remote processes can import as `@anyfork/fork-pool/child`. */
export const REMOTE_CHILD: URL = new URL('./remote/child.cjs', import.meta.url)

/** Reads the version of this package from its package.json. */
export function packageVersion(): string {
  return (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version
}

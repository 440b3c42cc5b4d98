/**
 * Where this package's own files are. This is the only file that uses `import.meta`: the bundler
 * moves modules into files directly in `dist`, so the URL of any other module would change.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'

/** The folder of package.json, binding.gyp, and the prebuilt addons. */
export const PACKAGE_FOLDER: string = join(import.meta.dirname, '..')

/** Loads CommonJS modules as seen from this package. */
export const requireModule: NodeJS.Require = createRequire(import.meta.url)

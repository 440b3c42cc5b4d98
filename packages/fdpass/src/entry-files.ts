/**
 * Where this package's own files are. This is the only file that uses `import.meta`: the bundler
 * moves modules into files directly in `dist`, so the URL of any other module would change.
 */
import { join } from 'node:path'
import { assertUnbundled } from './load-addon.js'

assertUnbundled('@anyfork/fdpass', import.meta.dirname)

/** The folder of package.json, binding.gyp, and the prebuilt addons. */
export const PACKAGE_FOLDER: string = join(import.meta.dirname, '..')

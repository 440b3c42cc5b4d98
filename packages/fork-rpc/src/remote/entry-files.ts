/** What `entry-files.ts` is in a remote process, where this package has no files: the bundler puts this file in its place. */
declare const require: NodeJS.Require

/** Loads what was sent to the process, such as cbor-x, or CommonJS modules by their path. */
export const requireModule: NodeJS.Require = require

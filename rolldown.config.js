import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'rolldown'

/**
 * Bundles the modules of each package into a few files, because Node takes longer to find, read, and link a hundred small
 * modules than to run them. docs/ARCHITECTURE.md has the measurement.
 *
 * The entries come from the package itself:
 * - its `exports`, which other packages and programs load by name;
 * - the main program that each of its `bin` files imports;
 * - the files that `src/entry-files.ts` names, which templates and workers load.
 *
 * All other modules go into one of three files: `caller` if only callers load them, `worker` if only workers do, and
 * `shared` if both do. A main program that loads other packages only on demand is a side of its own, so that it need not
 * load `caller`. These files are directly in `dist`, so a module that moves into one of them must not use
 * `import.meta.url`. Only `src/entry-files.ts` may use it.
 */
const packages = join(import.meta.dirname, 'packages')

/** Finds the paths of built files in a text, relative to `dist` and without their suffix. */
const distFiles = text => [...text.matchAll(/dist\/([\w/-]+)\.js/g)].map(([, file]) => file)
/** Finds the files that the source of `entry-files.ts` names. */
const entryFiles = text =>
  [...text.matchAll(/new URL\('\.\/([\w/-]+)\.js', import\.meta\.url\)/g)].map(([, file]) => file)

/**
 * Reads the entries of a package.
 *
 * @returns a map from the path of each entry in `src`, without its suffix, to the side that loads it: `caller`,
 *   `worker`, or `program`. It is `undefined` for `./template`, which uses the modules of both sides, so that it does not
 *   decide to which side a module belongs
 */
function entriesOf(folder) {
  const { exports, bin = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const entryFilesModule = join(folder, 'src/entry-files.ts')
  const entries = new Map()
  for (const [name, target] of Object.entries(exports)) {
    const side = name === './template' ? undefined : name.endsWith('/child') ? 'worker' : 'caller'
    for (const file of distFiles(target.default ?? '')) entries.set(file, side)
  }
  for (const file of Object.values(bin))
    for (const main of distFiles(readFileSync(join(folder, file), 'utf8'))) entries.set(main, 'program')
  if (existsSync(entryFilesModule))
    for (const file of entryFiles(readFileSync(entryFilesModule, 'utf8'))) entries.set(file, 'worker')
  return entries
}

const hasBinding = folder => existsSync(join(folder, 'src/binding.ts'))

/** Whether a module and those that it imports, but not those that it loads on demand, need another package of this repository. */
function needsOtherPackage(id, context, seen = new Set()) {
  if (id.startsWith('@anyfork/')) return true
  if (seen.has(id)) return false
  seen.add(id)
  return context.getModuleInfo(id)?.importedIds.some(imported => needsOtherPackage(imported, context, seen)) ?? false
}

/** Returns the function that chooses the file of a module. Entries and modules that are loaded on demand keep their own. */
const fileOf = (folder, entries) => (id, context) => {
  if (context.getModuleInfo(id).isEntry) return
  if (id.endsWith('/src/binding.ts') || (id.endsWith('/src/entry-files.ts') && hasBinding(folder))) return 'binding' // apart, because a template loads it first
  const sides = new Set()
  const seen = new Set()
  const visitImporters = id => {
    if (seen.has(id)) return
    seen.add(id)
    const side = entries.get(id.slice(join(folder, 'src/').length, -'.ts'.length))
    if (side && (side !== 'program' || !needsOtherPackage(id, context))) sides.add(side)
    for (const importer of context.getModuleInfo(id).importers) visitImporters(importer)
  }
  visitImporters(id)
  if (sides.size > 1) return 'shared'
  const [side] = sides
  return side === 'program' ? undefined : side // its own modules stay in the file of the main program
}

/** Names stay as they are: they are in stacks and in errors. */
const shortened = { compress: false, mangle: false, codegen: { removeWhitespace: true } }

/**
 * The programs that are sent to remote processes, where nothing is installed: each becomes one CommonJS file.
 * `remote/fdpass.ts` replaces what the first one needs of `@anyfork/fdpass` besides its pure functions. The others
 * require what those before have.
 */
const sent = [
  {
    cwd: join(packages, 'fork'),
    input: 'src/remote/program.ts',
    platform: 'node',
    resolve: {
      alias: {
        '@anyfork/fdpass/internal': join(packages, 'fdpass/src/internal.ts'),
        '@anyfork/fdpass': join(packages, 'fork/src/remote/fdpass.ts'),
      },
    },
    treeshake: { moduleSideEffects: id => !id.includes('/fdpass/src/') },
    external: [/^node:/],
    output: { file: 'dist/remote/program.cjs', format: 'cjs', comments: false, minify: shortened },
  },
  {
    cwd: join(packages, 'fork-rpc'),
    input: 'src/remote/serve.ts',
    platform: 'node',
    plugins: [
      {
        name: 'remote-entry-files',
        resolveId: source =>
          source.endsWith('/entry-files.js') ? join(packages, 'fork-rpc/src/remote/entry-files.ts') : null,
      },
    ],
    external: [/^node:/, /^@anyfork\//],
    output: { file: 'dist/remote/serve.cjs', format: 'cjs', comments: false, minify: shortened },
  },
  {
    cwd: join(packages, 'fork-pool'),
    input: 'src/remote/child.ts',
    platform: 'node',
    external: [/^@anyfork\//],
    output: { file: 'dist/remote/child.cjs', format: 'cjs', comments: false, minify: shortened },
  },
]

export default defineConfig([
  ...sent,
  ...readdirSync(packages).map(name => {
    const folder = join(packages, name)
    const entries = entriesOf(folder)
    const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    return {
      cwd: folder,
      input: Object.fromEntries([...entries.keys()].map(file => [file, `src/${file}.ts`])),
      platform: 'node',
      preserveEntrySignatures: 'allow-extension',
      external: [/^node:/, ...Object.keys(dependencies).map(name => new RegExp(`^${name}(/|$)`))],
      output: {
        dir: 'dist',
        sourcemap: true,
        sourcemapExcludeSources: true, // the sources are published
        comments: { jsdoc: false },
        chunkFileNames: '[name].js',
        codeSplitting: {
          includeDependenciesRecursively: false,
          groups: [{ debugName: 'sides', name: fileOf(folder, entries) }],
        },
      },
    }
  }),
])

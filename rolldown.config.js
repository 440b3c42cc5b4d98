import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'rolldown'

/**
 * Puts the modules of each package into a few files. Node takes longer to find, read, and link a
 * hundred small modules than to run them.
 *
 * The entries are read from the package itself:
 * - its `exports`, which other packages and programs load by name;
 * - the main program that each of its `bin` files imports;
 * - the files that `src/entry-files.ts` names, which templates and workers load.
 *
 * All other modules go into the files `caller`, `worker`, and `shared`, by who loads them. These files lie
 * directly in `dist`, so a module that moves into one of them must not use `import.meta.url`: only
 * `src/entry-files.ts` may.
 */
const packages = join(import.meta.dirname, 'packages')

const distFiles = text => [...text.matchAll(/dist\/([\w/-]+)\.js/g)].map(([, file]) => file)
const entryFiles = text =>
  [...text.matchAll(/new URL\('\.\/([\w/-]+)\.js', import\.meta\.url\)/g)].map(([, file]) => file)

/**
 * Reads a package's entries.
 *
 * @returns each entry's path in `src`, without its suffix, and who loads it; `undefined` for main programs and
 *   optional entries: they take modules from both sides, and add none to either
 */
function entriesOf(folder) {
  const { exports, bin = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const own = join(folder, 'src/entry-files.ts')
  const entries = new Map()
  for (const [name, target] of Object.entries(exports)) {
    const side = name === './template' ? undefined : name.endsWith('/child') ? 'worker' : 'caller'
    for (const file of distFiles(target.default ?? '')) entries.set(file, side)
  }
  for (const file of Object.values(bin))
    for (const main of distFiles(readFileSync(join(folder, file), 'utf8'))) entries.set(main, undefined)
  if (existsSync(own)) for (const file of entryFiles(readFileSync(own, 'utf8'))) entries.set(file, 'worker')
  return entries
}

const hasBinding = folder => existsSync(join(folder, 'src/binding.ts'))

/** Returns the function that chooses a module's file. Entries and what is loaded on demand keep files of their own. */
const fileOf = (folder, entries) => (id, context) => {
  if (context.getModuleInfo(id).isEntry) return
  if (id.endsWith('/src/binding.ts') || (id.endsWith('/src/entry-files.ts') && hasBinding(folder))) return 'binding' // a template loads it first
  const sides = new Set()
  const seen = new Set()
  const visit = id => {
    if (seen.has(id)) return
    seen.add(id)
    const side = entries.get(id.slice(join(folder, 'src/').length, -'.ts'.length))
    if (side) sides.add(side)
    for (const importer of context.getModuleInfo(id).importers) visit(importer)
  }
  visit(id)
  return sides.size === 2 ? 'shared' : [...sides][0]
}

export default defineConfig(
  readdirSync(packages).map(name => {
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
        sourcemapExcludeSources: true, // they are published, too
        comments: { jsdoc: false },
        chunkFileNames: '[name].js',
        codeSplitting: {
          includeDependenciesRecursively: false,
          groups: [{ debugName: 'sides', name: fileOf(folder, entries) }],
        },
      },
    }
  }),
)

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'rolldown'

/**
 * What is loaded by its name or by that of its file: each package's exports, the main programs of its
 * commands, and what templates and workers load. All else is put into few files, as finding,
 * reading and linking a hundred small ones takes longer than running them. Those few lie in `dist` itself, so
 * only entries and modules in `src` itself may speak of files by `import.meta.url`.
 */
const entries = {
  fdpass: ['index'],
  fdpasser: ['index'],
  fork: ['index', 'early', 'template', 'error-codec', 'command-line', 'child/index', 'child/main', 'child/take-orders'],
  'fork-rpc': ['index', 'child/index', 'child/sync', 'child/async', 'child/rehearsal'],
  'fork-pool': ['index', 'command-line', 'child/index', 'child/rest'],
}

/** Few load these: they do not count, and take from all sides. */
const besides = /\/src\/(command-line|template)\.ts$/

/** The file that a module goes into: by who loads it, the program, templates and workers, or both. None for entries, and what is loaded on demand. */
function fileOf(id, context) {
  if (context.getModuleInfo(id).isEntry) return
  if (id.endsWith('/src/binding.ts')) return 'binding' // a template needs it before all else
  const [sides, seen] = [new Set(), new Set()]
  const visit = id => {
    if (seen.has(id)) return
    seen.add(id)
    const { isEntry, importers } = context.getModuleInfo(id)
    if (isEntry && !besides.test(id)) sides.add(id.includes('/src/child/') ? 'child' : 'program')
    for (const importer of importers) visit(importer)
  }
  visit(id)
  return sides.size === 2 ? 'common' : [...sides][0]
}

export default defineConfig(
  Object.entries(entries).map(([name, files]) => {
    const folder = join(import.meta.dirname, 'packages', name)
    const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    return {
      cwd: folder,
      input: Object.fromEntries(files.map(file => [file, `src/${file}.ts`])),
      platform: 'node',
      preserveEntrySignatures: 'allow-extension',
      external: [/^node:/, ...Object.keys(dependencies).map(name => new RegExp(`^${name}(/|$)`))],
      output: {
        dir: 'dist',
        sourcemap: true,
        sourcemapExcludeSources: true, // they are published, too
        comments: { jsdoc: false },
        chunkFileNames: '[name].js',
        codeSplitting: { includeDependenciesRecursively: false, groups: [{ debugName: 'sides', name: fileOf }] },
      },
    }
  }),
)

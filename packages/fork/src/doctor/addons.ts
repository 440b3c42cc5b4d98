import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { isLinux } from '@anyfork/fdpass/internal'
import type { Finding, OpenDescriptor } from '../check-report.js'

/** Something that must not be used on both sides of a fork. */
interface Unsafe {
  what: string
  /** Matches its file, or the file of a library that came with it. */
  file: RegExp
  why: string
  advice: string
  /** Returns whether an open descriptor shows that it is in use. */
  isInUse?: (descriptor: OpenDescriptor) => boolean
}

const OPEN_LATER = 'load it in the template, but open it in the child: in the function or in a hook of afterFork()'
const START_LATER = 'load it in the template, but use it only in the child'

const SQLITE: Omit<Unsafe, 'what' | 'file'> = {
  why: 'a database connection must not be used after a fork: its locks are lost, and the file can be corrupted (sqlite.org/howtocorrupt.html, 2.6)',
  advice: OPEN_LATER,
  isInUse: ({ kind, name }) => kind === 'file' && startsWith(name, 'SQLite format 3\0'),
}

/** Addons whose authors document that they are unsafe. All others are only listed. */
const unsafe: readonly Unsafe[] = [
  { what: 'better-sqlite3', file: /better_sqlite3\.node$/, ...SQLITE },
  { what: 'sqlite3', file: /node_sqlite3\.node$/, ...SQLITE },
  {
    what: 'LMDB',
    file: /(^|\/)(node-)?lmdb[^/]*\.node$|\/lmdb[^/]*\/.*\.node$/,
    why: 'a process must only use an environment that it has opened itself (lmdb.h, caveats)',
    advice: OPEN_LATER,
    isInUse: ({ name }) => /\/(lock\.mdb|[^/]+-lock)$/.test(name),
  },
  {
    what: 'LevelDB',
    file: /(classic-level|leveldown)\/.*\.node$/,
    why: 'only one process may open a database at a time, and it is compacted by a thread that children do not have (leveldb, doc/index.md, concurrency)',
    advice: OPEN_LATER,
    isInUse: ({ name }) => /\/LOCK$/.test(name),
  },
  {
    what: 'libpq',
    file: /\/libpq\.so[^/]*$|pg-native|libpq\/.*\.node$/,
    why: 'processes that share an open connection disturb each other (PostgreSQL, libpq, PQconnectdb, warning)',
    advice: OPEN_LATER,
  },
  {
    what: 'sharp',
    file: /sharp[^/]*\.node$/,
    why: 'libvips starts threads with the first image, and a process that has them cannot be forked',
    advice: START_LATER,
  },
]

/** Returns the files of all loaded addons, and of the shared libraries that came with them. */
export function loadedAddons(): string[] {
  const files = (isLinux ? mappedLibraries() : reportedLibraries()).filter(
    file => file.endsWith('.node') || file.includes('/node_modules/'),
  )
  return [...new Set(files)]
}

function mappedLibraries(): string[] {
  return readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .flatMap(line => /\sr-xp\s.*?(\/\S.*\.(?:node|so)(?:\.[\d.]+)?)$/.exec(line)?.[1] ?? [])
}

/** Node makes a report of everything else, too, so this takes longer. */
function reportedLibraries(): string[] {
  return (process.report.getReport() as unknown as { sharedObjects: string[] }).sharedObjects
}

/** Reports the addons that are known to be unsafe. */
export function checkAddons(files: readonly string[], descriptors: readonly OpenDescriptor[]): Finding[] {
  const findings: Finding[] = []
  for (const file of files) {
    const known = unsafe.find(one => one.file.test(file))
    if (!known) continue
    const inUse = known.isInUse && descriptors.find(one => one.origin === 'opened' && known.isInUse!(one))
    findings.push({
      severity: inUse ? 'warns' : 'notes',
      topic: 'addon',
      subject: known.what,
      text: inUse ? `${inUse.name} is open: ${known.why}` : `loaded, which is harmless; but ${known.why}`,
      advice: known.advice,
    })
  }
  return findings
}

function startsWith(path: string, magic: string): boolean {
  const start = Buffer.alloc(magic.length)
  try {
    const fd = openSync(path, 'r')
    try {
      readSync(fd, start)
    } finally {
      closeSync(fd)
    }
  } catch {
    return false
  }
  return start.toString('latin1') === magic
}

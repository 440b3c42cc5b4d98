import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Calls a function with the path of a file that does not exist yet. Removes the file when the promise settles. */
export async function withTemporaryFile<T>(use: (file: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'anyfork-bench-'))
  try {
    return await use(join(folder, 'file'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

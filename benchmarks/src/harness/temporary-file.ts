import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Calls a function with the path of a file that does not exist yet. Removes the file when the promise settles. */
export async function withTemporaryFile<T>(use: (file: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'anyfork-bench-'))
  try {
    return await use(join(folder, 'file'))
  } finally {
    const removed = `${folder}-removed` // a worker that has not ended cannot write the file again
    renameSync(folder, removed)
    rmSync(removed, { recursive: true })
  }
}

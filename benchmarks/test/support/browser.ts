import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const PROGRAMS = ['/usr/bin/chromium', '/usr/bin/chromium-headless-shell', '/usr/bin/google-chrome']

/**
 * Returns the path of an installed Chromium. With ANYFORK_PEERS=required, a missing one is a failure.
 *
 * @returns undefined if there is none, after saying so
 */
export function installedBrowser(): string | undefined {
  const program = PROGRAMS.find(existsSync)
  if (program) return program
  if (process.env['ANYFORK_PEERS'] === 'required') return PROGRAMS[0]
  console.log(`The page is not opened in a browser: none of ${PROGRAMS.join(', ')} exists.`)
  return undefined
}

/** Starts a browser without a window. The caller closes it. */
export async function launchBrowser(executablePath: string): Promise<Browser> {
  // Containers let no root user have a sandbox, and give little to /dev/shm.
  return await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] })
}

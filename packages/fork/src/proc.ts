import { isLinux } from '@anyfork/fdpass/internal'
import { binding } from './binding.js'

/** What prevents something, and what to do about it. */
export interface Obstacle {
  subject: string
  text: string
  advice: string
}

/** The permission model of Node (`--permission`); missing without it, and in the types of Node 20. */
type WithPermission = NodeJS.Process & { permission?: { has(scope: string, reference?: string): boolean } }

/** Returns whether Node's permission model allows something, or is not in use. */
export function isPermitted(scope: string, reference?: string): boolean {
  return (process as WithPermission).permission?.has(scope, reference) ?? true
}

/** Returns why the files of processes in /proc cannot be used; `undefined` if they can, and on other systems than Linux. */
export function obstacleInProc(): Obstacle | undefined {
  if (!isLinux) return undefined
  if (binding.ownPidInProc() !== binding.getpid())
    return {
      subject: '/proc of another pid namespace',
      text: 'the threads of a process cannot be looked up in it',
      advice: 'mount /proc in the pid namespace, as by unshare --mount-proc',
    }
  if (!isPermitted('fs.read', '/proc/self/task'))
    return {
      subject: 'no permission to read /proc',
      text: 'the threads of a process cannot be looked up',
      advice: 'start the program with --allow-fs-read=/proc',
    }
  return undefined
}

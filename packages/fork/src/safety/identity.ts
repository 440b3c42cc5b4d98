import { binding } from '../binding.js'

/** Makes `process.pid` ask the kernel: the value that Node keeps is the template's. */
export function installPid(): void {
  Object.defineProperty(process, 'pid', { get: () => binding.getpid(), enumerable: true, configurable: true })
}

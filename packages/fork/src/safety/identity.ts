import { binding } from '../binding.js'

/** Makes `process.pid` ask the kernel. Node caches the template's pid. */
export function installPid(): void {
  Object.defineProperty(process, 'pid', { get: () => binding.getpid(), enumerable: true, configurable: true })
}

import { checkNames } from './check-names.js'

/** Where an inspector listens. */
export interface InspectOptions {
  /** Default: 127.0.0.1. Whoever reaches it can run code in the process. */
  host?: string
  /** Default: 0, any that is free. */
  port?: number
}

const names = new Set(['host', 'port'])

/** @throws TypeError for what makes no sense */
export function checkInspectOptions(options: InspectOptions): Required<InspectOptions> {
  checkNames('inspect()', options, names)
  const { host = '127.0.0.1', port = 0 } = options
  if (typeof host !== 'string' || host === '') throw new TypeError('host is a name or an address')
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new TypeError(`port is a number from 0 to 65535, not ${String(port)}`)
  return { host, port }
}

import { aName, anInteger, checkOptions, type Expectations } from '@anyfork/fdpass/internal'

/** Where an inspector listens. */
export interface InspectOptions {
  /** Default: 127.0.0.1. Whoever reaches it can run code in the process. */
  host?: string
  /** Default: 0, any that is free. */
  port?: number
}

const expectations: Expectations<InspectOptions> = { host: aName, port: anInteger(0, 65535) }

/** @throws TypeError for an option that does not exist or is invalid */
export function checkInspectOptions(options: InspectOptions): Required<InspectOptions> {
  checkOptions('inspect()', options, expectations)
  const { host = '127.0.0.1', port = 0 } = options
  return { host, port }
}

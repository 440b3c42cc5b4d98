import { aName, anInteger, checkOptions, type Expectations } from '@anyfork/fdpass/internal'

/** Where an inspector listens. */
export interface InspectOptions {
  /**
   * The host name or address. Everyone who can connect to it can run code in the process.
   *
   * @default '127.0.0.1'
   */
  host?: string
  /**
   * The port, from 0 to 65535; 0 is any free port.
   *
   * @default 0
   */
  port?: number
}

const expectations: Expectations<InspectOptions> = { host: aName, port: anInteger(0, 65535) }

/**
 * Fills in the defaults.
 *
 * @throws TypeError if an option does not exist or is invalid
 */
export function checkInspectOptions(options: InspectOptions): Required<InspectOptions> {
  checkOptions('inspect()', options, expectations)
  const { host = '127.0.0.1', port = 0 } = options
  return { host, port }
}

export { FdPasser, type FdPasserOptions } from './fd-passer.js'
export { Descriptor, type Handle } from '@anyfork/fdpass'

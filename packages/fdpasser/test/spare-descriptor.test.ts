import { openSpareDescriptor } from '@anyfork/test-support'
import { before } from 'mocha'

// Tests of this package count descriptors.
before(openSpareDescriptor)

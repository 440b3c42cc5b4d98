import { openSpareDescriptor } from '@anyfork/test-support'
import { before } from 'mocha'

// libuv keeps its spare descriptor open: it must not appear between two counts of a test.
before(openSpareDescriptor)

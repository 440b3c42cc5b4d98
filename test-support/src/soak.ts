/**
 * True in a run of `npm run test:soak`. Tests then use their full sizes, and tests that take long or measure memory are not
 * skipped. The script runs the test files that import this constant.
 */
export const isSoak: boolean = process.env['ANYFORK_SOAK'] === '1'

// Builds the addon unless a prebuilt one fits. On Windows, no addon can be built: the installation succeeds there, so that
// people can work together on a program that runs elsewhere, and the import of the package throws an error.
if (process.platform !== 'win32') require('node-gyp-build/bin.js')

// Loaded before a test file: Node's test runner follows every promise, to know which test an uncaught error belongs to. That
// takes a quarter of the processor time of tests with many promises. Such an error still fails its file.
import hooks from 'node:async_hooks';

const { createHook } = hooks;
hooks.createHook = (callbacks) => createHook({ ...callbacks, trackPromises: false });

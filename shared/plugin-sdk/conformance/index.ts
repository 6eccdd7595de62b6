/** The behaviours that every storage provider must have, as tests that authors run against a server of their own. */
export { type ConformanceOptions, openGuard, testStorageProvider } from './storage-provider.ts';

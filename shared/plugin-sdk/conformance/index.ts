/** The behaviours that every storage provider must have, as tests that authors run against a separate server. */
export { type ConformanceOptions, openGuard, testStorageProvider } from './storage-provider.ts';

/** Electron's channel for all calls; the contract's own channel is the first argument. The same words stand in the preload. */
export const CALL = 'streamhub:call';
/** Electron's channel for all pushes. */
export const PUSH = 'streamhub:push';

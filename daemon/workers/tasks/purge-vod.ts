/** The purge of one VOD: the same work in a lane of its own. */
export { default } from './purge.ts';

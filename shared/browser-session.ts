/**
 * Header that the web console sends with every request. A page of another origin can't send it without asking first, and
 * the daemon allows it to none.
 */
export const CONSOLE_HEADER = 'x-streamhub-console';

/** How long a session lasts that isn't kept: a program's from its sign-in, a browser's from its last use. */
export const SESSION_HOURS = 12;

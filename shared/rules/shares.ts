/** What many callers want at the same time and the daemon has a limited number of. */
export type ShareClass = 'event-stream' | 'log-search' | 'connection-test' | 'work' | 'password' | 'watch' | 'download';

/** How many of a class may be in use at the same time. */
export interface ShareLimits {
  /** For the answer: what is counted, in the plural. */
  what: string;
  /** By everyone together; operators (global scope) may use all of them. */
  total: number;
  /** Of the total, kept free for operators. */
  reserve: number;
  /** By one user or API token. */
  principal: number;
  /** By all users and tokens of one team. */
  team: number;
  /** By one client address; an IPv6 /64 counts as one. */
  address: number;
  /** Seconds after which another try makes sense. */
  retryAfter: number;
}

export const SHARES: Readonly<Record<ShareClass, ShareLimits>> = {
  'event-stream': {
    what: 'event streams',
    total: 5000,
    reserve: 500,
    principal: 50,
    team: 250,
    address: 500,
    retryAfter: 30,
  },
  'log-search': { what: 'log searches', total: 32, reserve: 8, principal: 8, team: 12, address: 16, retryAfter: 2 },
  'connection-test': {
    what: 'tests of connections',
    total: 32,
    reserve: 8,
    principal: 4,
    team: 6,
    address: 12,
    retryAfter: 10,
  },
  work: {
    what: 'requests that need a worker',
    total: 256,
    reserve: 64,
    principal: 32,
    team: 64,
    address: 128,
    retryAfter: 2,
  },
  watch: {
    what: 'requests of viewers',
    total: 1024,
    reserve: 64,
    principal: 64,
    team: 512,
    address: 256,
    retryAfter: 2,
  },
  // each holds a file open; viewers have no user and no team
  download: { what: 'downloads', total: 2048, reserve: 64, principal: 64, team: 512, address: 128, retryAfter: 5 },
  password: { what: 'password checks', total: 64, reserve: 8, principal: 16, team: 32, address: 32, retryAfter: 5 },
};

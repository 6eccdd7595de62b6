/** Defaults and limits that more than one side states. A text that names one takes it from here. */

/** STREAMHUB_CLUSTER_STALE_S: silence after which a node counts as stale, seconds. */
export const NODE_STALE_SECONDS = 90;
/** STREAMHUB_CLUSTER_DOWN_S: silence after which a node counts as down, seconds. */
export const NODE_DOWN_SECONDS = 300;
/** How long a join code is valid unless its creator says otherwise, seconds. */
export const JOIN_CODE_SECONDS = 3600;

/** The longest time a join token can be valid, seconds. */
export const JOIN_TOKEN_MAX_SECONDS = 30 * 86_400;
/**
 * How long a room prefix that an app gave up is kept for its team, seconds. Join tokens for its rooms can be valid for
 * that long. The extra day covers tokens that LiveKit renews for people in a room, and clocks that differ.
 */
export const PREFIX_HELD_SECONDS = JOIN_TOKEN_MAX_SECONDS + 86_400;
/** So many at most, the newest, or one team could block names by creating and deleting apps. */
export const PREFIXES_HELD_PER_TEAM = 100;

/** Ingests of all apps of a team. LiveKit keeps those of all teams in one list, which each request reads. */
export const INGESTS_PER_TEAM = 500;

/** Serialized stats of one heartbeat, bytes. */
export const MAX_STATS_BYTES = 4096;

/** Events that `GET /events` can continue after: maximum number and age. */
export const EVENTS_KEPT = 50_000;
export const EVENTS_KEPT_DAYS = 7;
/** Finished jobs are listed for this long. */
export const JOBS_KEPT_DAYS = 30;
/** The answer to a request with an Idempotency-Key is kept for this long. */
export const IDEMPOTENCY_KEPT_HOURS = 24;
/** Idempotency keys that one caller can have at a time, and all callers together. */
export const IDEMPOTENCY_KEYS_OF_CALLER = 10_000;
export const IDEMPOTENCY_KEYS = 100_000;
/** Closed incidents are listed for this long. */
export const INCIDENTS_KEPT_DAYS = 90;
/** Only the newest incidents are kept. */
export const INCIDENTS_KEPT = 20_000;
/** Callbacks are listed for this long after they arrived, or after they were given up. */
export const CALLBACKS_DELIVERED_DAYS = 7;
export const CALLBACKS_DEAD_DAYS = 30;

/** Characters of the token in a mailed link; a shorter one was cut off. */
export const SHORTEST_LINK_TOKEN = 10;

/** Longest text of LiveKit's own settings. */
export const MAX_LIVEKIT_SETTINGS = 32_768;

/** Configuration as code: files of a folder, and bytes of the request that carries it. */
export const MAX_DECLARED_FILES = 4000;
export const MAX_DECLARED_BYTES = 8_388_608;
/** New tokens and links of invitations of an apply can be read for this long, unless they were read before. */
export const APPLIED_KEPT_HOURS = 24;

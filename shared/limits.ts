/** Defaults and limits that more than one side states. A text that names one takes it from here. */

/** STREAMHUB_CLUSTER_STALE_S: silence after which a node counts as stale, seconds. */
export const NODE_STALE_SECONDS = 90;
/** STREAMHUB_CLUSTER_DOWN_S: silence after which a node counts as down, seconds. */
export const NODE_DOWN_SECONDS = 300;
/** How long a join code is valid unless its creator says otherwise, seconds. */
export const JOIN_CODE_SECONDS = 3600;

/** Serialized stats of one heartbeat, bytes. */
export const MAX_STATS_BYTES = 4096;

/** Events that `GET /events` can continue after: at most so many, and so old. */
export const EVENTS_KEPT = 50_000;
export const EVENTS_KEPT_DAYS = 7;
/** Finished jobs are listed for this long. */
export const JOBS_KEPT_DAYS = 30;
/** Callbacks are listed for this long after they arrived, or after they were given up. */
export const CALLBACKS_DELIVERED_DAYS = 7;
export const CALLBACKS_DEAD_DAYS = 30;

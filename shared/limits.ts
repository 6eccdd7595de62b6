/** Defaults and limits that more than one side states. A text that names one takes it from here. */

/** STREAMHUB_CLUSTER_STALE_S: silence after which a node counts as stale, seconds. */
export const NODE_STALE_SECONDS = 90;
/** STREAMHUB_CLUSTER_DOWN_S: silence after which a node counts as down, seconds. */
export const NODE_DOWN_SECONDS = 300;

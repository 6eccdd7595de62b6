/** Top-level config keys that no preset can set: identity, credentials and callbacks. The host strips them. */
export const PROTECTED_KEYS = ['s3', 'callbacks', 'name', 'display_name', 'room_prefix'] as const;

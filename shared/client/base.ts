/** Where the API begins on a daemon. */
export const API_BASE = '/api/v1';

import { hash } from 'node:crypto';

/** Stands for a pair of LiveKit's keys where nobody may see the secret: SHA-256, in hex. */
export const digestOfKeys = (key: string, secret: string): string => hash('sha256', `${key}:${secret}`, 'hex');

import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';

/**
 * Identifies this running machine. The boot id changes with every start of the kernel and isn't stored on a
 * disk, so a cloned disk has another one; the process namespace tells containers on one kernel apart.
 */
export function instanceId(): string {
  const parts = [
    attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
    attempt(() => readlinkSync('/proc/self/ns/pid')),
    attempt(() => readFileSync('/etc/machine-id', 'utf8')),
  ];
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 32);
}

function attempt(read: () => string): string {
  try {
    return read().trim();
  } catch {
    return '';
  }
}

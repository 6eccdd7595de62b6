/** LiveKit's nanoseconds as milliseconds since 1970; null for "not yet". */
export function milliseconds(nanoseconds: bigint): number | null {
  return nanoseconds > 0n ? Number(nanoseconds / 1_000_000n) : null;
}

/** A mistake in what the user typed. Shown without a stack. */
export class UsageError extends Error {}

/** Largest object of any storage today, bytes. */
export const LARGEST_OBJECT = 50e12;

/** A size that can be, else 0: any endpoint can be named, and quotas sum what it says. */
export const sizeOf = (size: number | undefined): number =>
  size !== undefined && size >= 0 && size <= LARGEST_OBJECT ? size : 0;

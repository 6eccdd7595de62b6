import { useMediaQuery } from '@mantine/hooks';

const now = { getInitialValueInEffect: false };

/** A finger points, not a mouse: targets are larger, and there is no keyboard to hint at. */
export const useTouch = (): boolean => useMediaQuery('(pointer: coarse)', undefined, now) === true;

/** A window as narrow as a phone: one column, the sections in a drawer. */
export const usePhone = (): boolean => useMediaQuery('(max-width: 639px)', undefined, now) === true;

export const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
/** The modifier of shortcuts, as it is written on the keyboard. */
export const MOD = isMac ? '⌘' : 'Ctrl';

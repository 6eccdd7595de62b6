/** Replaces a property for good. Libraries that assign to it get along without an error. */
export function fix(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { get: () => value, set: () => {}, configurable: false, enumerable: true });
}

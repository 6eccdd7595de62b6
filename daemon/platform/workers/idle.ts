/** The pool's default task: does nothing. Every real task names its own file. */
export default async function idle(): Promise<void> {}

/** Something that the person at the keyboard can put right; told without a stack. */
export class Mistake extends Error {}

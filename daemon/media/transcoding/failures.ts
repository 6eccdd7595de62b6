/** Nothing can be made of this recording, also not later. The message is for people. */
export class UnusableSource extends Error {}

/** The disk has no room for the work. */
export class NoSpace extends Error {
  readonly neededBytes: number;
  constructor(neededBytes: number) {
    super('the disk has no room');
    this.neededBytes = neededBytes;
  }
}

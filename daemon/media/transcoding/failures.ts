/** This recording can't be transcoded, now or later. The message is for people. */
export class UnusableSource extends Error {}

/** The disk is too full for the work. */
export class NoSpace extends Error {
  readonly neededBytes: number;
  constructor(neededBytes: number) {
    super('the disk has no room');
    this.neededBytes = neededBytes;
  }
}

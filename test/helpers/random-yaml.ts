/** A small generator with a seed: a failing case can be run again. */
function random(seed: number): (below: number) => number {
  let state = seed * 2654435761 + 1;
  return (below) => {
    state = (state ^ (state << 13)) >>> 0;
    state = (state ^ (state >>> 17)) >>> 0;
    state = (state ^ (state << 5)) >>> 0;
    return state % below;
  };
}

/** Random configs in many styles: block and flow, comments, blank lines, quotes, indents, anchors, both line ends. */
export class RandomYaml {
  readonly pick: (below: number) => number;
  count = 0;
  anchors = 0;
  readonly step: number;
  readonly kinds: number;
  constructor(seed: number, options: { anchors: boolean } = { anchors: true }) {
    this.kinds = options.anchors ? 11 : 10;
    this.pick = random(seed);
    this.step = 2 + this.pick(3);
  }
  scalar(): string {
    this.count += 1;
    const n = this.count;
    return [
      `${n}`,
      `v${n}`,
      `'q ${n}'`,
      `"d${n} # no"`,
      'true',
      '',
      '~',
      `${n}.5`,
      `https://h${n}/x?a=b`,
      `"a\\nb${n}"`,
      `-${n}`,
      `no`,
    ][this.pick(12)] as string;
  }
  comment(): string {
    this.count += 1;
    return this.pick(3) === 0 ? ` # c${this.count}` : '';
  }
  flow(depth: number): string {
    const items = Array.from({ length: this.pick(4) }, () =>
      depth > 0 && this.pick(4) === 0 ? this.flow(depth - 1) : this.scalar() || 'e',
    );
    const pad = this.pick(2) === 0 ? ' ' : '';
    if (this.pick(2) === 0) return `[${pad}${items.join(', ')}${pad}]`;
    return `{${pad}${items.map((item, index) => `f${index}: ${item}`).join(', ')}${items.length > 0 && this.pick(4) === 0 ? ',' : ''}${pad}}`;
  }
  /** Entries of a flow mapping, one a line. */
  flowLines(pad: string): string[] {
    const items = Array.from({ length: this.pick(3) }, (_, index) => `${pad}  g${index}: ${this.scalar() || 'e'}`);
    const last = this.pick(2) === 0 ? ',' : '';
    return items.map((item, index) => `${item}${index < items.length - 1 ? ',' : last}${this.comment()}`);
  }
  /** An anchored value, or an alias to an earlier one. */
  shared(): string {
    if (this.anchors > 0 && this.pick(2) === 0) return `*a${1 + this.pick(this.anchors)}`;
    this.anchors += 1;
    return `&a${this.anchors} ${this.pick(2) === 0 ? this.flow(1) : this.scalar()}`;
  }
  block(depth: number, indent: number): string[] {
    const pad = ' '.repeat(indent);
    const lines: string[] = [];
    for (let index = 0; index <= this.pick(4); index += 1) {
      const key = `${pad}${['', '"', "'"][this.pick(8)] ?? ''}k${index}`.replace(/(["'])(k\d+)$/, '$1$2$1');
      if (this.pick(4) === 0) lines.push(`${pad}# note ${this.count++}`);
      if (this.pick(6) === 0) lines.push('');
      const kind = this.pick(depth > 0 ? this.kinds : 4);
      if (kind === 9) lines.push(`${key}: {${this.comment()}`, ...this.flowLines(pad), `${pad}}${this.comment()}`);
      else if (kind === 10) lines.push(`${key}: ${this.shared()}${this.comment()}`);
      else if (kind < 3) lines.push(`${key}: ${this.scalar()}${this.comment()}`);
      else if (kind === 3) lines.push(`${key}: ${this.flow(2)}${this.comment()}`);
      else if (kind === 4) lines.push(`${key}: |${this.comment()}`, `${pad}  text ${this.count}`, '', `${pad}  more`);
      else if (kind === 5)
        lines.push(`${key}:${this.comment()}`, ...this.list(depth - 1, indent + (this.pick(2) === 0 ? 0 : this.step)));
      else lines.push(`${key}:${this.comment()}`, ...this.block(depth - 1, indent + this.step));
    }
    if (this.pick(5) === 0) lines.push(`${pad}# tail ${this.count++}`);
    return lines;
  }
  list(depth: number, indent: number): string[] {
    const pad = ' '.repeat(indent);
    return Array.from({ length: 1 + this.pick(3) }, () => {
      if (depth > 0 && this.pick(3) === 0)
        return [`${pad}- a: ${this.scalar()}`, `${pad}  b: ${this.scalar()}${this.comment()}`];
      return [`${pad}- ${this.pick(4) === 0 ? this.flow(1) : this.scalar() || 'x'}${this.comment()}`];
    }).flat();
  }
  document(): string {
    const eol = this.pick(4) === 0 ? '\r\n' : '\n';
    const lines = this.block(3, 0);
    return lines.join(eol) + (this.pick(5) === 0 ? '' : eol);
  }
  value(depth: number): unknown {
    this.count += 1;
    const kind = this.pick(depth > 0 ? 9 : 6);
    if (kind < 6) return [true, this.count, `new ${this.count}`, '', 'no', 'x: y # z'][kind];
    if (kind < 8) return Array.from({ length: this.pick(3) }, () => this.value(depth - 1));
    return Object.fromEntries(Array.from({ length: this.pick(3) }, (_, index) => [`n${index}`, this.value(depth - 1)]));
  }
}

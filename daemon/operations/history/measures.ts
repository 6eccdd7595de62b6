import { MEASURES, type Measure } from '#shared/schema/history.ts';

/** The means of one minute. */
export class MinuteMean {
  readonly #sums = new Map<Measure, { sum: number; count: number }>();

  add(values: Partial<Record<Measure, number | undefined>>): void {
    for (const measure of MEASURES) {
      const value = values[measure];
      if (value === undefined) continue;
      const { sum, count } = this.#sums.get(measure) ?? { sum: 0, count: 0 };
      this.#sums.set(measure, { sum: sum + value, count: count + 1 });
    }
  }

  /** Null for what nobody reported. */
  means(): Record<Measure, number | null> {
    const mean = (measure: Measure): number | null => {
      const of = this.#sums.get(measure);
      // six digits are more than any line shows
      return of === undefined ? null : Number((of.sum / of.count).toPrecision(6));
    };
    return Object.fromEntries(MEASURES.map((measure) => [measure, mean(measure)])) as Record<Measure, number | null>;
  }
}

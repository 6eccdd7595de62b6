import classes from './delivery.module.css';

/** What a change of the config does to viewers: sentences that go are struck out, new ones are marked. */
export function DeliveryChange({ before, after }: { before: readonly string[]; after: readonly string[] }) {
  const added = after.filter((line) => !before.includes(line));
  const removed = before.filter((line) => !after.includes(line));
  if (after.length === 0) return null;
  return (
    <section aria-label="What viewers get" className={classes.change}>
      <h3>What viewers get</h3>
      <ul>
        {after.map((line) =>
          added.includes(line) ? (
            <li key={line}>
              <ins>{line}</ins>
            </li>
          ) : (
            <li key={line}>{line}</li>
          ),
        )}
        {removed.map((line) => (
          <li key={line}>
            <del>{line}</del>
          </li>
        ))}
      </ul>
    </section>
  );
}

import classes from './storage.module.css';
import type { Provider } from './storage-model.ts';

/** One tile a provider, as the plugins bring them. */
export function ProviderTiles({
  providers,
  chosen,
  isReadOnly,
  onChoose,
}: {
  providers: readonly Provider[];
  chosen: string;
  isReadOnly: boolean;
  onChoose: (provider: Provider) => void;
}) {
  return (
    <div className={classes.tiles} role="radiogroup" aria-label="Provider">
      {providers.map((provider) => (
        <label key={provider.id} className={classes.tile} data-chosen={provider.id === chosen || undefined}>
          <input
            type="radio"
            name="provider"
            value={provider.id}
            checked={provider.id === chosen}
            disabled={isReadOnly}
            onChange={() => onChoose(provider)}
          />
          <span className={classes.tileTitle}>{provider.title}</span>
          <span className={classes.tileText}>{provider.description}</span>
        </label>
      ))}
    </div>
  );
}

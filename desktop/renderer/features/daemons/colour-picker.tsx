import classes from './daemons.module.css';

/** Colours of daemons' tiles; white letters are readable on each. */
export const COLOURS = [
  '#2f6fde',
  '#0f766e',
  '#c2410c',
  '#7c3aed',
  '#be123c',
  '#4d7c0f',
  '#0369a1',
  '#a16207',
] as const;

export function ColourPicker({ value, onChange }: { value: string; onChange: (colour: string) => void }) {
  return (
    <fieldset className={classes.colours}>
      <legend>Colour of its tile</legend>
      {COLOURS.map((colour, index) => (
        <label key={colour} style={{ ['--own' as string]: colour }}>
          <input
            type="radio"
            name="colour"
            value={colour}
            checked={value === colour}
            onChange={() => onChange(colour)}
            aria-label={`Colour ${index + 1}`}
          />
        </label>
      ))}
    </fieldset>
  );
}

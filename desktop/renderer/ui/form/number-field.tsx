import { NumberInput, type NumberInputProps } from '@mantine/core';
import { useState } from 'react';

/** A number that always has a value: a field that is left empty shows the number that is still set. */
export function NumberField({
  value,
  onChange,
  onBlur,
  ...rest
}: Omit<NumberInputProps, 'value' | 'onChange'> & {
  value?: number | undefined;
  onChange: (value: number) => void;
}) {
  const [isCleared, setCleared] = useState(false);
  return (
    <NumberInput
      {...rest}
      value={isCleared ? '' : (value ?? '')}
      onChange={(next) => {
        setCleared(next === '');
        if (typeof next === 'number' && next !== value) onChange(next);
      }}
      onBlur={(event) => {
        setCleared(false);
        onBlur?.(event);
      }}
    />
  );
}

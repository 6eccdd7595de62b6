import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core';

const same = (value: string): MantineColorsTuple => [
  value,
  value,
  value,
  value,
  value,
  value,
  value,
  value,
  value,
  value,
];

/** The tokens know whether a finger or a mouse points. */
const height = (size: unknown): string => `var(--size-${['xs', 'md', 'lg'].includes(String(size)) ? size : 'sm'})`;
const fontSize = (size: unknown): string => (size === 'xs' ? '12px' : '13px');

/** Control sizes follow the 4 px grid; colours come from the tokens, through the resolver below. */
export const theme = createTheme({
  fontFamily: 'var(--font)',
  fontFamilyMonospace: 'var(--mono)',
  headings: {
    fontFamily: 'var(--font)',
    fontWeight: '600',
    sizes: {
      h1: { fontSize: '18px', lineHeight: '24px' },
      h2: { fontSize: '15px', lineHeight: '20px' },
      h3: { fontSize: '13.5px', lineHeight: '20px' },
    },
  },
  fontSizes: { xs: '12px', sm: '13px', md: '13.5px', lg: '15px', xl: '18px' },
  lineHeights: { xs: '16px', sm: '18px', md: '20px', lg: '22px', xl: '24px' },
  spacing: { xs: '4px', sm: '8px', md: '12px', lg: '16px', xl: '24px' },
  radius: { xs: '3px', sm: '4px', md: '6px', lg: '8px', xl: '12px' },
  defaultRadius: 'sm',
  colors: {
    gray: [
      '#f4f5f7',
      '#eceef1',
      '#e0e3e8',
      '#d3d8de',
      '#c5cbd3',
      '#98a1ab',
      '#5d6772',
      '#414a55',
      '#2c343d',
      '#14181d',
    ],
    dark: [
      '#e7eaee',
      '#b6bfc9',
      '#8e99a5',
      '#6d7783',
      '#3a444f',
      '#252c34',
      '#1b2026',
      '#14181d',
      '#0e1114',
      '#0a0c0f',
    ],
    accent: same('var(--accent-fill)'),
    danger: same('var(--danger-fill)'),
  },
  primaryColor: 'accent',
  primaryShade: 5,
  respectReducedMotion: true,
  cursorType: 'pointer',
  focusRing: 'auto',
  variantColorResolver: ({ variant, color }) => {
    const danger = color === 'danger';
    const name = danger ? 'danger' : 'accent';
    if (variant === 'filled') {
      return {
        background: `var(--${name}-fill)`,
        hover: `var(--${name}-fill-hover)`,
        color: 'var(--on-accent)',
        border: '1px solid transparent',
      };
    }
    if (variant === 'light') {
      return { background: `var(--${name}-soft)`, hover: 'var(--hover)', color: `var(--${name})`, border: 'none' };
    }
    if (variant === 'subtle' || variant === 'transparent') {
      return {
        background: 'transparent',
        hover: 'var(--hover)',
        color: danger ? 'var(--danger)' : 'var(--text-2)',
        border: '1px solid transparent',
      };
    }
    return {
      background: 'var(--panel)',
      hover: 'var(--hover)',
      color: danger ? 'var(--danger)' : 'var(--text)',
      border: '1px solid var(--line-strong)',
    };
  },
  components: {
    Button: {
      defaultProps: { size: 'sm', variant: 'default' },
      vars: (_theme: unknown, props: { size?: unknown }) => ({
        root: {
          '--button-height': height(props.size),
          '--button-fz': fontSize(props.size),
          '--button-fw': '550',
          '--button-padding-x': props.size === 'xs' ? '8px' : '12px',
        },
      }),
    },
    ActionIcon: {
      defaultProps: { size: 'sm', variant: 'subtle' },
      vars: (_theme: unknown, props: { size?: unknown }) => ({ root: { '--ai-size': height(props.size) } }),
    },
    Input: {
      vars: (_theme: unknown, props: { size?: unknown }) => ({
        wrapper: {
          '--input-height': height(props.size),
          '--input-fz': `var(--field-font, ${fontSize(props.size)})`,
          '--input-bg': 'var(--field)',
          '--input-bd': 'var(--line-strong)',
        },
      }),
    },
    TextInput: { defaultProps: { withAsterisk: false } },
    PasswordInput: { defaultProps: { withAsterisk: false } },
    // its two small buttons are no targets for a finger; arrow keys do the same
    NumberInput: { defaultProps: { withAsterisk: false, hideControls: true } },
    NativeSelect: { defaultProps: { withAsterisk: false } },
    Textarea: { defaultProps: { withAsterisk: false } },
    InputWrapper: {
      styles: {
        label: { fontWeight: 500, fontSize: '13px', marginBottom: '3px' },
        description: { fontSize: '12px', color: 'var(--text-3)', marginBottom: '3px' },
        error: { fontSize: '12px', color: 'var(--danger)' },
      },
    },
    Tooltip: { defaultProps: { openDelay: 350, withArrow: false, transitionProps: { duration: 80 }, multiline: true } },
    Menu: { defaultProps: { transitionProps: { duration: 80 }, position: 'bottom-end' } },
    Popover: { defaultProps: { transitionProps: { duration: 80 } } },
    Combobox: { defaultProps: { transitionProps: { duration: 80 } } },
    Modal: {
      defaultProps: {
        attributes: { header: { role: 'none' } },
        closeButtonProps: { 'aria-label': 'Close' },
        transitionProps: { duration: 100, transition: 'fade' },
        centered: true,
        overlayProps: { backgroundOpacity: 0.35 },
      },
    },
    Drawer: {
      defaultProps: {
        attributes: { header: { role: 'none' } },
        position: 'right',
        transitionProps: { duration: 120 },
        overlayProps: { backgroundOpacity: 0.25 },
      },
    },
    SegmentedControl: { defaultProps: { withItemsBorders: false } },
    Skeleton: { defaultProps: { radius: 'sm' } },
    Checkbox: { defaultProps: { size: 'xs' } },
    Radio: { defaultProps: { size: 'xs' } },
    Switch: { defaultProps: { size: 'xs', withThumbIndicator: false } },
  },
});

const shared = {
  '--mantine-color-body': 'var(--panel)',
  '--mantine-color-text': 'var(--text)',
  '--mantine-color-dimmed': 'var(--text-3)',
  '--mantine-color-anchor': 'var(--accent)',
  '--mantine-color-default': 'var(--panel)',
  '--mantine-color-default-hover': 'var(--hover)',
  '--mantine-color-default-color': 'var(--text)',
  '--mantine-color-default-border': 'var(--line-strong)',
  '--mantine-color-placeholder': 'var(--text-3)',
  '--mantine-color-disabled': 'var(--sunken)',
  '--mantine-color-disabled-color': 'var(--text-3)',
  '--mantine-color-disabled-border': 'var(--line)',
  '--mantine-color-error': 'var(--danger)',
  '--mantine-primary-color-filled': 'var(--accent-fill)',
  '--mantine-primary-color-filled-hover': 'var(--accent-fill-hover)',
  '--mantine-primary-color-light': 'var(--accent-soft)',
  '--mantine-primary-color-contrast': 'var(--on-accent)',
  '--mantine-shadow-xs': 'var(--shadow-low)',
  '--mantine-shadow-sm': 'var(--shadow-low)',
  '--mantine-shadow-md': 'var(--shadow)',
  '--mantine-shadow-lg': 'var(--shadow)',
  '--mantine-shadow-xl': 'var(--shadow)',
};

export const cssVariables: CSSVariablesResolver = () => ({ variables: {}, light: shared, dark: shared });

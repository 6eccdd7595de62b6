import { Button } from '@mantine/core';
import { type UseFormReturnType, useForm } from '@mantine/form';
import { type CSSProperties, type ReactNode, useEffect, useRef, useState } from 'react';
import { Problem } from '../feedback/problem.tsx';
import { fieldErrors } from './field-errors.ts';
import { type FormState, followStored, isSame, typedSince } from './form-changes.ts';
import { useFormDrafts } from './form-drafts.ts';

type AnyValues = Record<string, any>;

export interface FormOptions<V extends AnyValues, R> {
  /** What is stored. Fields that a person hasn't changed follow it. */
  initialValues: V;
  /**
   * Sends the values. Errors are shown at the fields that the daemon names, otherwise below the form.
   * @param base what the values were changed from
   */
  send: (values: V, base: V) => Promise<R>;
  onDone?: (result: R) => void;
  /** After a success the fields show what is stored, and changes begin from there. What was typed in the meantime stays. */
  followsSaved?: boolean;
  /** Fields of the form by their path in the API, where the names differ. */
  fields?: Record<string, string> | ((path: string) => string);
  /** Runs after each change that a person makes. */
  onValuesChange?: (values: V, before: V) => void;
  /** Name under which unsaved values survive leaving the page. */
  keep?: string;
}

export type ApiForm<V extends AnyValues> = Pick<
  UseFormReturnType<V>,
  'values' | 'getInputProps' | 'setFieldValue' | 'setValues' | 'errors'
> & {
  /** What the values were changed from; for a changed field, an older value than the stored one if others changed it. */
  base: V;
  isChanged: boolean;
  isPending: boolean;
  /** The last attempt succeeded, and nothing was changed since. */
  isDone: boolean;
  /** What can't be shown at a field. */
  problem: unknown;
  setProblem: (problem: unknown) => void;
  /** @param send another way to send the values, this time */
  submit: (send?: (values: V, base: V) => Promise<unknown>) => Promise<void>;
  /** Puts the initial values back and forgets what was kept. */
  discard: () => void;
};

/** State of a form that sends its values to a daemon or to the desktop app. */
export function useApiForm<V extends AnyValues, R>(options: FormOptions<V, R>): ApiForm<V> {
  const { initialValues, keep = '' } = options;
  const latest = useRef(options);
  latest.current = options;
  const [kept, setKept, clearKept] = useFormDrafts<FormState<V>>(keep);
  const [isPending, setPending] = useState(false);
  const [isDone, setDone] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const isFollowing = useRef(false);
  const [begun] = useState(() => followStored(kept ?? { base: initialValues, values: initialValues }, initialValues));
  const [base, setBase] = useState(begun.base);
  const form = useForm<V>({
    initialValues: begun.values,
    onValuesChange: (values, before) => {
      if (isFollowing.current) return;
      if (keep !== '') setKept({ base, values });
      setDone(false);
      latest.current.onValuesChange?.(values, before);
    },
  });
  const put = (next: FormState<V>): void => {
    isFollowing.current = true;
    form.setValues(next.values);
    isFollowing.current = false;
    setBase(next.base);
  };
  const stored = JSON.stringify(initialValues);
  const before = useRef(stored);
  useEffect(() => {
    if (before.current === stored) return;
    before.current = stored;
    put(followStored({ base, values: form.getValues() }, initialValues));
  });
  const submit: ApiForm<V>['submit'] = async (send) => {
    if (isPending) return;
    setPending(true);
    setProblem(undefined);
    form.clearErrors();
    const sent = form.getValues();
    let result: R;
    try {
      result = (await (send ?? latest.current.send)(sent, base)) as R;
    } catch (error) {
      const { fields = {} } = latest.current;
      const refused = fieldErrors(error, (path) => {
        const name = typeof fields === 'function' ? fields(path) : (fields[path] ?? path);
        return (name.split('.', 1)[0] as string) in form.getValues() ? name : undefined;
      });
      form.setErrors(refused.fields);
      setProblem(refused.rest);
      return;
    } finally {
      setPending(false);
    }
    if (latest.current.followsSaved) {
      const next = typedSince(sent, form.getValues(), latest.current.initialValues);
      put(next);
      if (keep === '' || isSame(next.values, next.base)) clearKept();
      else setKept(next);
    } else setBase(sent);
    setDone(true);
    latest.current.onDone?.(result);
  };
  return {
    values: form.values,
    base,
    isChanged: !isSame(form.values, base),
    errors: form.errors,
    getInputProps: form.getInputProps,
    setFieldValue: form.setFieldValue,
    setValues: form.setValues,
    isPending,
    isDone,
    problem,
    setProblem,
    submit,
    discard: () => {
      clearKept();
      setProblem(undefined);
      put({ base: latest.current.initialValues, values: latest.current.initialValues });
      form.clearErrors();
    },
  };
}

interface ActionProps {
  /** Label of the primary button: verb and object. */
  action: string;
  onCancel?: (() => void) | undefined;
  isCancelFocused?: boolean;
  /** Without it the button submits the form around it. */
  onAction?: () => void;
  isPending?: boolean;
  isDisabled?: boolean;
  isDangerous?: boolean;
  /** One large button over the whole width, as on the pages before the sign-in. */
  isWide?: boolean;
  autoFocus?: boolean;
  /** Left of the buttons. */
  aside?: ReactNode;
}

/** The buttons of a form: the primary one at the end, before it the way out. */
export function FormActions({
  action,
  onCancel,
  isCancelFocused = false,
  onAction,
  isPending = false,
  isDisabled = false,
  isDangerous = false,
  isWide = false,
  autoFocus = false,
  aside,
}: ActionProps) {
  const primary = (
    <Button
      type={onAction ? 'button' : 'submit'}
      {...(onAction ? { onClick: onAction } : {})}
      variant="filled"
      color={isDangerous ? 'danger' : 'accent'}
      loading={isPending}
      disabled={isDisabled}
      autoFocus={autoFocus}
      {...(isWide ? { size: 'md' } : {})}
    >
      {action}
    </Button>
  );
  if (isWide) return primary;
  return (
    <div className="row" style={{ justifyContent: 'flex-end' }}>
      {aside}
      {onCancel ? (
        <Button onClick={onCancel} data-autofocus={isCancelFocused || undefined}>
          Cancel
        </Button>
      ) : null}
      {primary}
    </div>
  );
}

/** A form with its fields, what the daemon said against it, and its buttons. */
export function Form<V extends AnyValues>({
  form,
  children,
  problemTitle,
  className,
  style,
  hasActions = true,
  hasProblem = true,
  after,
  action = '',
  ...actions
}: Omit<ActionProps, 'isPending' | 'action'> & {
  action?: string;
  form: ApiForm<V>;
  children: ReactNode;
  /** What did not happen, when the daemon's sentence doesn't say it. */
  problemTitle?: string;
  /** `stack` by default. */
  className?: string;
  style?: CSSProperties;
  /** False where nothing can be sent. */
  hasActions?: boolean;
  /** False where the form shows it elsewhere. */
  hasProblem?: boolean;
  /** Below the buttons. */
  after?: ReactNode;
}) {
  return (
    <form
      className={className ?? (style ? undefined : 'stack')}
      style={style}
      onSubmit={(event) => {
        event.preventDefault();
        void form.submit();
      }}
    >
      {children}
      {form.problem === undefined || !hasProblem ? null : (
        <Problem error={form.problem} {...(problemTitle === undefined ? {} : { title: problemTitle })} />
      )}
      {hasActions ? <FormActions {...actions} action={action} isPending={form.isPending} /> : null}
      {after}
    </form>
  );
}

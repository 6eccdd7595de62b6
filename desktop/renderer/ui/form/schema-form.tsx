import { Checkbox } from '@mantine/core';
import Form from '@rjsf/mantine';
import type { RJSFSchema, UiSchema, WidgetProps } from '@rjsf/utils';
import classes from './schema-form.module.css';
import { schemaValidator } from './schema-validator.ts';

export interface SchemaFormProps {
  schema: RJSFSchema;
  value: Record<string, unknown>;
  onChange: (value: Record<string, unknown>, isValid: boolean) => void;
  isDisabled?: boolean;
  /** Name for the ids of the fields. */
  name: string;
  /** What the daemon says of single fields. */
  refusals?: Record<string, string>;
}

const ui: UiSchema = { 'ui:submitButtonOptions': { norender: true }, 'ui:options': { title: '', label: false } };

/** A switch with its explanation under it, as everywhere else. */
function CheckboxWidget({ id, value, disabled, label, schema, onChange }: WidgetProps) {
  return (
    <Checkbox
      id={id}
      label={label}
      description={schema.description}
      checked={value === true}
      disabled={disabled === true}
      onChange={(event) => onChange(event.currentTarget.checked)}
    />
  );
}

/** Fields made from a JSON Schema, as plugins declare their settings. */
export default function SchemaForm({
  schema,
  value,
  onChange,
  isDisabled = false,
  name,
  refusals = {},
}: SchemaFormProps) {
  const extra = Object.fromEntries(
    Object.entries(refusals).map(([field, message]) => [field, { __errors: [message] }]),
  );
  return (
    <div className={classes.form}>
      <Form
        tagName="div"
        idPrefix={name}
        schema={schema}
        uiSchema={ui}
        formData={value}
        validator={schemaValidator}
        widgets={{ CheckboxWidget }}
        liveValidate="onChange"
        showErrorList={false}
        noHtml5Validate
        disabled={isDisabled}
        extraErrors={extra as never}
        onChange={({ formData, errors }) => onChange(formData as Record<string, unknown>, errors.length === 0)}
      />
    </div>
  );
}

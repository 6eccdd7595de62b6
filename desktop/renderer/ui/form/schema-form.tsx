import { Checkbox } from '@mantine/core';
import Form from '@rjsf/mantine';
import type {
  RegistryFieldsType,
  RegistryWidgetsType,
  RJSFSchema,
  TemplatesType,
  UiSchema,
  WidgetProps,
} from '@rjsf/utils';
import { ticked } from '../words/ticks.tsx';
import classes from './schema-form.module.css';
import { schemaValidator } from './schema-validator.ts';

export interface SchemaFormProps {
  schema: RJSFSchema;
  value: Record<string, unknown>;
  /** `path` leads to the field that a person changed; absent when only defaults were filled in. */
  onChange: (value: Record<string, unknown>, isValid: boolean, path?: readonly string[]) => void;
  isDisabled?: boolean;
  /** Name for the ids of the fields. */
  name: string;
  /** The daemon's errors by field. */
  refusals?: Record<string, string>;
  /** Other fields than the usual ones. */
  look?: SchemaFormLook;
}

export interface SchemaFormLook {
  templates?: Partial<Omit<TemplatesType, 'ButtonTemplates'>>;
  widgets?: RegistryWidgetsType;
  fields?: RegistryFieldsType;
}

const ui: UiSchema = { 'ui:submitButtonOptions': { norender: true }, 'ui:options': { title: '', label: false } };

const NONE = {};

/** A switch with its explanation under it, as everywhere else. */
function CheckboxWidget({ id, value, disabled, label, schema, onChange }: WidgetProps) {
  return (
    <Checkbox
      id={id}
      label={label}
      description={schema.description === undefined ? undefined : ticked(schema.description)}
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
  look,
}: SchemaFormProps) {
  const extra = Object.fromEntries(
    Object.entries(refusals).map(([field, message]) => [field, { __errors: [message] }]),
  );
  return (
    <div className={classes.form}>
      <Form
        tagName="div"
        idPrefix={name}
        idSeparator="."
        schema={schema}
        uiSchema={ui}
        formData={value}
        validator={schemaValidator}
        widgets={{ CheckboxWidget, ...look?.widgets }}
        templates={look?.templates ?? NONE}
        fields={look?.fields ?? NONE}
        liveValidate="onChange"
        showErrorList={false}
        noHtml5Validate
        disabled={isDisabled}
        extraErrors={extra as never}
        onChange={({ formData, errors }, id) =>
          onChange(formData as Record<string, unknown>, errors.length === 0, id?.split('.').slice(1))
        }
      />
    </div>
  );
}

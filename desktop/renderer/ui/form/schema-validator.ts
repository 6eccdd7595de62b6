import {
  createErrorHandler,
  type RJSFSchema,
  type RJSFValidationError,
  toErrorSchema,
  unwrapErrorHandler,
  type ValidatorType,
  validationDataMerge,
} from '@rjsf/utils';
import type { TSchema } from 'typebox';
import Value from 'typebox/value';

/**
 * Checks a form's data by walking its schema. The usual validator of rjsf makes code from text, which the console's
 * content security policy forbids.
 */
export const schemaValidator: ValidatorType = {
  isValid: (schema, data) => Value.Check(asType(schema), data),
  rawValidation: (schema, data) => ({ errors: Value.Errors(asType(schema), data) as never[] }),
  validateFormData(data, schema, customValidate, transformErrors, uiSchema) {
    const found: RJSFValidationError[] = Value.Errors(asType(schema), data).map((error) => ({
      name: error.keyword,
      property: error.instancePath.replaceAll('/', '.'),
      message: error.message,
      params: error.params,
      stack: `${error.instancePath} ${error.message}`,
      schemaPath: error.schemaPath,
    }));
    const errors = transformErrors ? transformErrors(found, uiSchema) : found;
    const checked = { errors, errorSchema: toErrorSchema(errors) };
    if (customValidate === undefined) return checked;
    const handler = customValidate(data, createErrorHandler(data ?? {}), uiSchema);
    return validationDataMerge(checked, unwrapErrorHandler(handler));
  },
};

const asType = (schema: RJSFSchema): TSchema => schema as unknown as TSchema;

import { createApi } from './api.ts';
import { createBackend, type HttpBackend } from './backend.ts';
import { type Options, readOptions } from './options.ts';

export type { HttpBackend, Options };

/** What Sluice calls when SLUICE_BACKEND names this module. @throws Error that says what is wrong with the options. */
export function init(options: Options): HttpBackend {
  return createBackend(createApi(readOptions(options)));
}

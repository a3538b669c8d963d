import { fileURLToPath } from 'node:url';

/** The console's page as the build leaves it. */
export const BUILT_PAGE = fileURLToPath(new URL('../../dist/console/page/', import.meta.url));

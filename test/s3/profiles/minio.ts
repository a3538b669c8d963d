import type { Profile } from './profile.ts';

export const minio: Profile = { name: 'minio' };

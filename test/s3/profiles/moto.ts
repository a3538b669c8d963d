import type { Profile } from './profile.ts';

export const moto: Profile = { name: 'moto' };

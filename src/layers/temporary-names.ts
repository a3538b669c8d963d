import { basename } from 'node:path/posix';

/**
 * Whether the last name of a path matches one of the patterns, in which `*` stands for any characters, `?` for one and
 * everything else for itself (POSIX.1-2017, 2.13, without brackets; a leading dot is a character as any other).
 */
export function matchNames(patterns: readonly string[]): (path: string) => boolean {
  const expressions = patterns.map(toExpression);
  return (path) => {
    const name = basename(path);
    return expressions.some((expression) => expression.test(name));
  };
}

function toExpression(pattern: string): RegExp {
  const parts = [...pattern.replace(/\*+/g, '*')].map((character) => {
    if (character === '*') return '.*';
    return character === '?' ? '.' : character.replace(/[\\^$.|+()[\]{}]/, '\\$&');
  });
  return new RegExp(`^${parts.join('')}$`, 'su');
}

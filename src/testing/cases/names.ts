import { assertFile, assertMissing, assertNames, send, text } from '../probe.ts';
import type { ConformanceCase } from '../subject.ts';

/** Names that some encoding on the way to a store (URL, XML, shell, regular expression, object) gets wrong. */
const NAMES: readonly (readonly [what: string, name: string])[] = [
  ['spaces', ' a  file '],
  ['plus signs', 'a+b=c'],
  ['percent signs', '100%'],
  ['what looks like percent-encoding', 'a%2Fb%20c'],
  ['query and fragment characters', 'a?b&c#d;e'],
  ['quotes and angle brackets', `"a"'b'<c>`],
  ['brackets, stars and dollars', '[a]*{b}$(c)^|'],
  ['a backslash', 'a\\b'],
  ['a colon and an at sign', 'c:@d'],
  ['letters with accents', 'Grüße-été'],
  ['a combining accent', 'e\u0301te\u0301'],
  ['characters beyond the first plane', '文件-📦'],
  ['a line break', 'two\nlines'],
  ['a leading dot', '.hidden'],
  ['leading dots only', '...'],
  ['the name of an object property', '__proto__'],
  ['255 bytes, the most there can be', `${'é'.repeat(127)}x`],
];

export const nameCases: readonly ConformanceCase[] = [
  ...NAMES.map(
    ([what, name]): ConformanceCase => ({
      name: `a file and a directory with a name of ${what} are kept under exactly that name`,
      async run(subject) {
        const { backend, context } = subject;
        await backend.makeDir(context, `/${name}`);
        await backend.writeFile(context, `/${name}/${name}`, text('written'));
        await assertNames(subject, '/', [name]);
        await assertNames(subject, `/${name}`, [name]);
        await assertFile(subject, `/${name}/${name}`, text('written'));
        await send(subject, `/${name}/${name}`, [[0, text('uploaded')]]);
        await assertFile(subject, `/${name}/${name}`, text('uploaded'));
        await backend.rename(context, `/${name}/${name}`, '/plain');
        await backend.rename(context, '/plain', `/${name}/${name}`);
        await assertFile(subject, `/${name}/${name}`, text('uploaded'));
        await backend.delete(context, `/${name}/${name}`);
        await assertMissing(subject, `/${name}/${name}`);
        await backend.delDir(context, `/${name}`);
        await assertNames(subject, '/', []);
      },
    }),
  ),
  {
    name: 'names that differ only in case are two names',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/Name', text('upper'));
      await backend.writeFile(context, '/name', text('lower'));
      await assertNames(subject, '/', ['Name', 'name']);
      await assertFile(subject, '/Name', text('upper'));
    },
  },
  {
    name: 'names that differ only in Unicode normalisation are two names',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/\u00e9', text('composed'));
      await backend.writeFile(context, '/e\u0301', text('decomposed'));
      await assertNames(subject, '/', ['\u00e9', 'e\u0301']);
      await assertFile(subject, '/\u00e9', text('composed'));
    },
  },
];

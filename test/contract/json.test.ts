import { expect, test } from 'vitest';
import { parseJson } from '../../src/contract/json.ts';

test('JSON is read as it is', () => {
  expect(parseJson('{"a":[1,null,"x"]}')).toEqual({ a: [1, null, 'x'] });
});

test.each([
  ['{\n  "a": 1,\n}', 'it is not JSON (line 3, column 1)'],
  ['{"a" 1}', 'it is not JSON (line 1, column 6)'],
  ['', 'it is not JSON'],
])('what is not JSON is told, with the place where that is known: %j', (text, message) => {
  expect(() => parseJson(text)).toThrow(new SyntaxError(message));
});

test.each([
  '{"key": secret}',
  'secret',
  '{"key": "secret',
  '{"key": "secret"; "a": 1}',
  '{"key":\n"se\ncret"}',
])('nothing of the text is shown: %j', (text) => {
  expect(() => parseJson(text)).toThrow(/^it is not JSON( \(line \d, column \d+\))?$/);
});

import { describe, expect, test } from 'vitest';
import {
  type Digest,
  digest,
  type ReceivedJob,
  type SentUpload,
  type StoredVersion,
} from './service/journal.ts';
import { type Observed, verify } from './service/verify.ts';

const PREFIX = 'tenants/acme/';

type Fields<T> = { -readonly [Name in keyof T]: T[Name] };

/** What is observed when everything goes well; each test breaks one thing in it. */
class Story {
  readonly uploads: SentUpload[] = [];
  readonly versions: StoredVersion[] = [];
  readonly jobs: ReceivedJob[] = [];
  readonly remaining = new Map<string, Digest>();
  readonly outbox: string[] = [];
  openUploads = 0;
  everyObject = false;
  mustAcknowledge = false;
  mustTell = false;
  #order = 0;

  send(path: string, content: string, answers: Partial<SentUpload> = { closed: 'ok' }): SentUpload {
    const upload = { path, ...digest(Buffer.from(content)), ...answers };
    this.uploads.push(upload);
    return upload;
  }

  store(path: string, { size, crc32, sha256 }: Digest): Fields<StoredVersion> {
    const key = PREFIX + path.slice(1);
    const version = { order: this.#order++, key, etag: sha256.slice(0, 8), size, crc32, sha256 };
    this.versions.push(version);
    this.remaining.set(key, { size, crc32, sha256 });
    return version;
  }

  tell({ key, etag, size, crc32 }: StoredVersion, id = `id of ${etag}`): Fields<ReceivedJob> {
    const path = `/${key.slice(PREFIX.length)}`;
    const job = { order: this.#order++, id, key, path, etag, size, crc32, at: 0 };
    this.jobs.push(job);
    return job;
  }

  /** An upload that is acknowledged, its object and its job. */
  deliver(path: string, content: string) {
    const upload = this.send(path, content);
    const version = this.store(path, upload);
    return { upload, version, job: this.tell(version) };
  }

  /** The rules that are violated. */
  get violated(): string[] {
    const observed: Observed = {
      uploads: this.uploads,
      versions: this.versions,
      jobs: this.jobs,
      prefix: PREFIX,
      remaining: this.remaining,
      outbox: this.outbox,
      openUploads: this.openUploads,
      everyObject: this.everyObject,
      mustAcknowledge: this.mustAcknowledge,
      mustTell: this.mustTell,
    };
    return verify(observed).map(({ rule }) => rule);
  }
}

describe('nothing is wrong with', () => {
  test('uploads that are acknowledged, kept and told of, also when they replace each other', () => {
    const story = Object.assign(new Story(), { everyObject: true, mustAcknowledge: true });
    story.deliver('/a', 'one');
    story.deliver('/a', 'two');
    story.deliver('/b', '');
    expect(story.violated).toEqual([]);
  });

  test('an upload without an answer: with object and job, with the object alone, with neither', () => {
    const story = new Story();
    story.deliver('/a', 'one');
    story.tell(story.store('/a', story.send('/a', 'two', { closed: 'lost' })));
    story.store('/a', story.send('/a', 'three', { closed: 'lost' }));
    story.send('/a', 'four', { closed: 'lost' });
    story.send('/a', 'five', {});
    expect(story.violated).toEqual([]);
  });

  test('a job that comes twice with one id', () => {
    const story = new Story();
    story.tell(story.deliver('/a', 'one').version);
    expect(story.violated).toEqual([]);
  });

  test('a job that comes after its object was replaced', () => {
    const story = new Story();
    const first = story.store('/a', story.send('/a', 'one'));
    story.deliver('/a', 'two');
    story.tell(first);
    expect(story.violated).toEqual([]);
  });

  test('a staged upload: renamed, or kept until it is', () => {
    const story = new Story();
    const renamed = story.send('/a', 'one', { temporary: '/a.filepart', closed: 'ok', renamed: 'ok' });
    story.store('/a.filepart', renamed);
    story.tell(story.store('/a', renamed));
    story.remaining.delete(`${PREFIX}a.filepart`);
    story.store('/b.filepart', story.send('/b', 'two', { temporary: '/b.filepart', closed: 'ok' }));
    expect(story.violated).toEqual([]);
  });
});

describe('an upload that is acknowledged', () => {
  test('and is not there', () => {
    const story = new Story();
    story.deliver('/a', 'one');
    story.remaining.clear();
    expect(story.violated).toEqual(['acknowledged, but not kept']);
  });

  test('and is truncated', () => {
    const story = new Story();
    story.deliver('/a', 'one');
    story.remaining.set(`${PREFIX}a`, digest(Buffer.from('on')));
    expect(story.violated).toEqual(['acknowledged, but not kept']);
  });

  test('and gave way to an earlier one', () => {
    const story = new Story();
    const { upload } = story.deliver('/a', 'one');
    story.deliver('/a', 'two');
    story.remaining.set(`${PREFIX}a`, upload);
    expect(story.violated).toEqual(['acknowledged, but not kept']);
  });

  test('and gave way to one that was never closed', () => {
    const story = new Story();
    story.deliver('/a', 'one');
    story.store('/a', story.send('/a', 'two', {}));
    expect(story.violated).toEqual(['acknowledged, but not kept', 'an object that nobody sent']);
  });

  test('and has no job', () => {
    const story = new Story();
    story.deliver('/a', 'one');
    story.jobs.pop();
    expect(story.violated).toEqual(['acknowledged, but without a job']);
  });
});

test.each([
  ['lost', { closed: 'lost' }],
  ['refused', { closed: 'refused' }],
  ['never closed', {}],
] as const)('an upload that is %s where nothing stands in its way', (_, answers) => {
  const story = Object.assign(new Story(), { mustAcknowledge: true });
  story.send('/a', 'one', answers);
  expect(story.violated).toEqual(['an upload was not acknowledged']);
});

describe('where clients are told of all that is done', () => {
  const staged = { temporary: '/a.filepart', closed: 'ok' } as const;
  const story = () => Object.assign(new Story(), { mustTell: true });

  test.each([{}, { closed: 'lost' }, { closed: 'refused' }, staged, { ...staged, renamed: 'lost' }] as const)(
    'an upload of which nothing is done may have any answer: %o',
    (answers) => {
      const broken = story();
      const upload = broken.send('/a', 'one', answers);
      if (upload.temporary !== undefined) broken.store(upload.temporary, upload);
      broken.deliver('/b', 'one');
      expect(broken.violated).toEqual([]);
    },
  );

  test.each([{ closed: 'lost' }, { closed: 'refused' }, { ...staged, renamed: 'lost' }] as const)(
    'an object that its client was not told of: %o',
    (answers) => {
      const broken = story();
      const upload = broken.send('/a', 'one', answers);
      if (upload.temporary !== undefined) broken.store(upload.temporary, upload);
      broken.store('/a', upload);
      expect(broken.violated).toEqual(['done, but its client was not told']);
    },
  );

  test('one under a temporary name that its client was not told of', () => {
    const broken = story();
    broken.store('/a.filepart', broken.send('/a', 'one', { ...staged, closed: 'lost' }));
    expect(broken.violated).toEqual(['done, but its client was not told']);
  });

  test('a job that its client was not told of', () => {
    const broken = story();
    broken.tell(broken.store('/a', broken.send('/a', 'one', { closed: 'lost' })));
    broken.versions.length = 0;
    expect(broken.violated).toContain('done, but its client was not told');
  });
});

describe('an object', () => {
  test('that is a part of what was sent', () => {
    const story = new Story();
    story.store('/a', digest(Buffer.from('on')));
    story.deliver('/a', 'one');
    expect(story.violated).toEqual(['an object that nobody sent']);
  });

  test('that was sent under another name', () => {
    const story = new Story();
    story.store('/b', story.deliver('/a', 'one').upload);
    expect(story.violated).toEqual(['an object that nobody sent']);
  });

  test('under its final name before its RENAME was sent', () => {
    const story = new Story();
    const upload = story.send('/a', 'one', { temporary: '/a.filepart', closed: 'ok' });
    story.store('/a.filepart', upload);
    story.store('/a', upload);
    expect(story.violated).toEqual(['an object that nobody sent']);
  });

  test('without a job, where every object is promised one', () => {
    const story = Object.assign(new Story(), { everyObject: true });
    story.store('/a', story.send('/a', 'one', { closed: 'lost' }));
    expect(story.violated).toEqual(['an object without a job']);
    story.deliver('/a', 'two');
    expect(story.violated).toEqual([]);
  });
});

describe('a staged upload', () => {
  const staged = { temporary: '/a.filepart', closed: 'ok' } as const;

  test.each([staged, { ...staged, renamed: 'lost' }, { ...staged, renamed: 'refused' }] as const)(
    'that is closed and in no place: %o',
    (answers) => {
      const story = new Story();
      story.store('/a.filepart', story.send('/a', 'one', answers));
      story.remaining.clear();
      expect(story.violated).toEqual(['staged, but not kept']);
    },
  );

  test('whose RENAME is acknowledged and that only its temporary name has', () => {
    const story = new Story();
    const upload = story.send('/a', 'one', { ...staged, renamed: 'ok' });
    story.tell(story.store('/a', upload));
    story.remaining.clear();
    story.remaining.set(`${PREFIX}a.filepart`, upload);
    expect(story.violated).toEqual(['acknowledged, but not kept']);
  });

  test('that has a job at CLOSE', () => {
    const story = new Story();
    story.tell(story.store('/a.filepart', story.send('/a', 'one', staged)));
    expect(story.violated).toEqual(['a job of nothing that was delivered']);
  });
});

describe('a job', () => {
  test.each<[string, Partial<ReceivedJob>, string[]]>([
    [
      'with another size',
      { size: 4 },
      ['acknowledged, but without a job', 'a job of nothing that was delivered', 'a job before its object'],
    ],
    [
      'with another checksum',
      { crc32: 'AAAAAA==' },
      ['acknowledged, but without a job', 'a job of nothing that was delivered', 'a job before its object'],
    ],
    ['with another ETag', { etag: 'other' }, ['a job before its object']],
    ['without an ETag', { etag: null }, ['a job before its object']],
    ['with another key', { key: 'a' }, ['a job of nothing that was delivered', 'a job before its object']],
    ['received before its object was there', { order: -1 }, ['a job before its object']],
  ])('%s', (_, wrong, rules) => {
    const story = new Story();
    Object.assign(story.deliver('/a', 'one').job, wrong);
    expect(story.violated).toEqual(rules);
  });

  test('that comes again with another id', () => {
    const story = new Story();
    story.tell(story.deliver('/a', 'one').version, 'another');
    expect(story.violated).toEqual(['several ids for one upload']);
  });

  test('with the id of another upload', () => {
    const story = new Story();
    const { id } = story.deliver('/a', 'one').job;
    story.deliver('/a', 'two').job.id = id;
    expect(story.violated).toEqual(['one id for several uploads']);
  });
});

test('what is left in the end', () => {
  const story = Object.assign(new Story(), { openUploads: 1 });
  story.outbox.push('.sluice/outbox/1');
  expect(story.violated).toEqual([
    'left in the outbox',
    'multipart uploads left open by a server that was not killed',
  ]);
});

// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import type { Composition } from '@shared/composition';
import { COMMAND_FORMS } from '@shared/contract';
import type { CommandForm } from '@shared/contract';
import type { OptionValues } from '@shared/options';
import { optionString, renderCommand } from '../../src/main/commands/render';
import { shQuote } from '../../src/main/commands/sh-quote';
import { slugOf } from '../../src/main/commands/slug';
import { mountUnitName } from '../../src/main/commands/unit-name';

const entries = (...paths: string[]) => paths.map((path, index) => ({ id: `e${index}${path.slice(0, 8)}`, path }));

function make(change: Partial<Composition> = {}): Composition {
  return {
    id: 'c',
    name: 'My stack',
    upper: { path: '/u', workdir: '/w' },
    lowers: entries('/a', '/b'),
    data: [],
    options: {},
    mountpoint: '/merged',
    ...change,
  };
}

const text = (form: CommandForm, change?: Partial<Composition>) => renderCommand(make(change), form).text;
const warnings = (form: CommandForm, change?: Partial<Composition>) =>
  renderCommand(make(change), form).warnings.join('\n');
/** One lower with this path under another, no upper. */
const lower = (path: string): Partial<Composition> => ({ upper: null, lowers: entries(path, '/l1') });

describe('each form of a plain stack', () => {
  test.each<[CommandForm, string, string]>([
    ['mount', 'mount -t overlay overlay -o lowerdir=/a:/b,upperdir=/u,workdir=/w /merged', 'mount-my-stack.sh'],
    [
      'fsconfig',
      'mount -t overlay overlay -o lowerdir+=/a,lowerdir+=/b,upperdir=/u,workdir=/w /merged',
      'fsconfig-my-stack.sh',
    ],
    [
      'fstab',
      'overlay /merged overlay lowerdir=/a:/b,upperdir=/u,workdir=/w,x-systemd.requires-mounts-for=/u,' +
        'x-systemd.requires-mounts-for=/a,x-systemd.requires-mounts-for=/b,x-systemd.requires-mounts-for=/w 0 0',
      'fstab-my-stack',
    ],
    [
      'unshare',
      "unshare -Urm sh -c 'mount -t overlay overlay -o lowerdir=/a:/b,upperdir=/u,workdir=/w,userxattr /merged && exec sh'",
      'unshare-my-stack.sh',
    ],
    ['fuse-overlayfs', 'fuse-overlayfs -o lowerdir=/a:/b,upperdir=/u,workdir=/w /merged', 'fuse-overlayfs-my-stack.sh'],
    ['lamina', 'lamina mount -o lowerdir=/a:/b,upperdir=/u,workdir=/w /merged', 'lamina-my-stack.sh'],
  ])('%s', (form, expected, filename) => {
    expect(renderCommand(make(), form)).toMatchObject({ form, text: expected, filename });
  });

  test('systemd', () => {
    const { text, filename, warnings } = renderCommand(make({ mountpoint: '/srv/merged-1' }), 'systemd');
    expect(filename).toBe('srv-merged\\x2d1.mount');
    expect(warnings).toEqual([]);
    expect(text).toBe(
      [
        '[Unit]',
        'Description=Overlay My stack',
        'RequiresMountsFor=/u',
        'RequiresMountsFor=/a',
        'RequiresMountsFor=/b',
        'RequiresMountsFor=/w',
        '',
        '[Mount]',
        'What=overlay',
        'Where=/srv/merged-1',
        'Type=overlay',
        'Options=lowerdir=/a:/b,upperdir=/u,workdir=/w',
        '',
        '[Install]',
        'WantedBy=multi-user.target',
        '',
      ].join('\n'),
    );
  });

  test('options follow the layers, data-only layers the lowers', () => {
    const change = { data: entries('/d', '/e'), options: { metacopy: 'on', volatile: true } } as const;
    expect(text('mount', change)).toContain('-o lowerdir=/a:/b::/d::/e,upperdir=/u,workdir=/w,metacopy=on,volatile /');
    expect(text('fsconfig', change)).toContain('lowerdir+=/b,datadir+=/d,datadir+=/e,upperdir');
    expect(optionString(make(change))).toBe('lowerdir=/a:/b::/d::/e,upperdir=/u,workdir=/w,metacopy=on,volatile');
  });

  test('without a mount point it is named after the composition', () => {
    expect(text('mount', { mountpoint: null, name: 'Ärger & Söhne (2)' })).toMatch(/ \/mnt\/arger-sohne-2$/);
    expect(slugOf('漢字')).toBe('overlay');
  });
});

describe('escapes of mount(8) (semantics 10.1) and the shell', () => {
  test.each<[string, string, string | null]>([
    ['/c:d', "-o 'lowerdir=/c\\:d:/l1'", '-o lowerdir+=/c:d,lowerdir+=/l1'],
    ['/a,b', "-o 'lowerdir=/a\\,b:/l1'", null],
    ['/e\\f', "-o 'lowerdir=/e\\\\f:/l1'", "-o 'lowerdir+=/e\\f,lowerdir+=/l1'"],
    ['/sp ace', "-o 'lowerdir=/sp ace:/l1'", "-o 'lowerdir+=/sp ace,lowerdir+=/l1'"],
    ["/it's", "-o 'lowerdir=/it'\\''s:/l1'", "-o 'lowerdir+=/it'\\''s,lowerdir+=/l1'"],
    ['/eq=s', '-o lowerdir=/eq=s:/l1', '-o lowerdir+=/eq=s,lowerdir+=/l1'],
    ['/h#h', "-o 'lowerdir=/h#h:/l1'", "-o 'lowerdir+=/h#h,lowerdir+=/l1'"],
    ['/end\\', "-o 'lowerdir=/end\\\\/:/l1'", "-o 'lowerdir+=/end\\/,lowerdir+=/l1'"],
    ['/\xff\n', "-o 'lowerdir=/\xff\n/:/l1'", "-o 'lowerdir+=/\xff\n/,lowerdir+=/l1'"],
  ])('%j', (path, list, each) => {
    expect(text('mount', lower(path))).toContain(`${list} /merged`);
    const rendered = text('fsconfig', lower(path));
    if (each === null) expect(rendered).toBeNull();
    else expect(rendered).toContain(`${each} /merged`);
  });

  test('upperdir and workdir: commas and backslashes, no colons', () => {
    const upper = { path: '/a,b:c\\d', workdir: '/w,\\' };
    for (const form of ['mount', 'fsconfig'] as const) {
      expect(text(form, { upper })).toContain("upperdir=/a\\,b:c\\\\d,workdir=/w\\,\\\\/'");
    }
  });

  test('a double quote is impossible in every form that goes through mount(8)', () => {
    for (const form of COMMAND_FORMS) {
      const rendered = renderCommand(make(lower('/q"q')), form);
      if (form === 'lamina' || form === 'fuse-overlayfs') expect(rendered.text).toContain('/q"q');
      else expect(rendered).toMatchObject({ text: null, warnings: [expect.stringContaining('Lamina')] });
    }
  });

  test('words of the shell', () => {
    expect(shQuote('/plain-1.2_x,y=z:@%+')).toBe('/plain-1.2_x,y=z:@%+');
    expect(shQuote('')).toBe("''");
    expect(shQuote("a'b c")).toBe("'a'\\''b c'");
    expect(shQuote('\xe4')).toBe("'\xe4'");
  });
});

describe('fstab (semantics 10.2)', () => {
  test.each<[string, string]>([
    ['/my dir', '/my\\040dir'],
    ['/tab\there', '/tab\\011here'],
    ['/new\nline', '/new\\012line'],
    ['/c:d', '/c\\134:d'],
    ['/e\\f', '/e\\134\\134f'],
    ['/a,b', '/a\\134,b'],
    ['/h#h', '/h#h'],
    ["/it's", "/it's"],
  ])('%j', (path, field) => {
    const line = text('fstab', { ...lower(path), mountpoint: '/m p' });
    expect(line).toMatch(/^overlay \/m\\040p overlay /);
    expect(line).toContain(` lowerdir=${field}:/l1,x-systemd`);
    expect(line).toMatch(/,x-systemd\.requires-mounts-for=\/l1 0 0$/);
  });
});

describe('what systemd does to an fstab line at boot', () => {
  test.each<[string, RegExp]>([
    ['/a\\b', /backslash.*systemd form/],
    ['/a\nb', /line break/],
    ['/\xff', /UTF-8/],
  ])('%j', (path, expected) => {
    expect(text('fstab', lower(path))).not.toBeNull();
    expect(warnings('fstab', lower(path))).toMatch(expected);
  });

  test('colons, commas and blanks it leaves alone', () => {
    expect(warnings('fstab', lower('/a:b,c d'))).toBe('');
  });
});

describe('systemd (semantics 10.3)', () => {
  test.each<[string, string]>([
    ['/srv/merged-1', 'srv-merged\\x2d1.mount'],
    ['/tmp/x/my dir', 'tmp-x-my\\x20dir.mount'],
    ['/', '-.mount'],
    ['//a///./b/', 'a-b.mount'],
    ['/.hidden/.x', '\\x2ehidden-.x.mount'],
    ['/a\\b:c_d.e', 'a\\x5cb:c_d.e.mount'],
    ['/\xc3\xa4', '\\xc3\\xa4.mount'],
  ])('unit name of %j', (path, name) => {
    expect(mountUnitName(path)).toBe(name);
  });

  test('blanks stay, colons take one backslash, a backslash four, percent signs are doubled', () => {
    const unit = text('systemd', { ...lower('/my dir:100%\\x'), mountpoint: '/m%n' });
    expect(unit).toContain('\nOptions=lowerdir=/my dir\\:100%%\\\\\\\\x:/l1\n');
    expect(unit).toContain('\nWhere=/m%%n\n');
    expect(unit).toContain('\nRequiresMountsFor="/my dir:100%%\\\\x"\n');
  });

  test.each<[string, Partial<Composition>, string]>([
    ['a line break', lower('/a\nb'), 'line break'],
    ['bytes that are not UTF-8', lower('/\xff'), 'UTF-8'],
    ['.. in the mount point', { mountpoint: '/a/../b' }, '..'],
    ['a name too long', { mountpoint: `/${'-'.repeat(70)}` }, 'shorter mount point'],
  ])('not with %s', (_, change, reason) => {
    expect(text('systemd', change)).toBeNull();
    expect(warnings('systemd', change)).toContain(reason);
  });
});

describe('limits of the transports (semantics 5.5)', () => {
  /** A stack whose list form takes exactly this many bytes. */
  const ofLength = (bytes: number): Partial<Composition> => {
    const long = Array.from({ length: 15 }, (_, i) => `/${String(i).padStart(2, '0')}${'x'.repeat(230)}`);
    const used = optionString(make({ upper: null, lowers: entries(...long, '/') })).length;
    return { upper: null, lowers: entries(...long, `/${'y'.repeat(bytes - used)}`) };
  };

  test('4095 bytes go through mount(2), 4096 do not', () => {
    expect(optionString(make(ofLength(4095))).length).toBe(4095);
    expect(text('mount', ofLength(4095))).toContain('LIBMOUNT_FORCE_MOUNT2=always mount -t overlay');
    expect(text('mount', ofLength(4096))).toBeNull();
    expect(warnings('mount', ofLength(4096))).toContain('4096 bytes');
  });

  test('a value of 255 bytes goes through fsconfig(2), a longer one only by mount(2)', () => {
    const path = (length: number): Partial<Composition> => lower(`/${'x'.repeat(length - 1)}`);
    expect(text('fsconfig', path(255))).toMatch(/^mount /);
    expect(text('fsconfig', path(256))).toMatch(/^LIBMOUNT_FORCE_MOUNT2=always mount /);
    expect(warnings('fsconfig', path(256))).toContain('255 bytes');
  });

  test('fstab and systemd change to lowerdir+= for a long list, unless a comma forbids it', () => {
    const many = { lowers: entries(...Array.from({ length: 30 }, (_, i) => `/layers/number-${i}`)) };
    const comma = { lowers: [...many.lowers, ...entries('/a,b')] };
    for (const form of ['fstab', 'systemd', 'unshare'] as const) {
      expect(text(form, many)).toContain('lowerdir+=/layers/number-0,lowerdir+=/layers/number-1,');
      expect(text(form, comma)).toContain('lowerdir=/layers/number-0:/layers/number-1:');
    }
    expect(warnings('fstab', comma)).toContain('fstab has no place for LIBMOUNT_FORCE_MOUNT2');
    expect(text('systemd', comma)).toContain('\nEnvironment=LIBMOUNT_FORCE_MOUNT2=always\n');
    expect(text('unshare', comma)).toContain('LIBMOUNT_FORCE_MOUNT2=always mount');
  });

  test('more than 4095 bytes of lowerdir+= need a newer mount(8); too much for one argument is refused', () => {
    const layers = (count: number) => ({
      lowers: entries(...Array.from({ length: count }, (_, i) => `/${'x'.repeat(90)}/${i}`)),
    });
    expect(warnings('fsconfig', layers(100))).toContain('only for mount(8) 2.39 or newer');
    expect(text('fsconfig', layers(100))).not.toBeNull();
    expect(text('lamina', layers(500))).not.toBeNull();
    expect(text('lamina', layers(1500))).toBeNull();
    expect(text('fsconfig', layers(1500))).toBeNull();
  });
});

describe('warnings', () => {
  const options = (options: OptionValues): Partial<Composition> => ({ options });
  test.each<[string, CommandForm, Partial<Composition>, RegExp]>([
    [
      'what the kernel refuses',
      'mount',
      options({ metacopy: 'on', redirect_dir: 'nofollow' }),
      /refuses this \(EINVAL\): metacopy=on/,
    ],
    ['same directory', 'mount', { lowers: entries('/a', '/a') }, /ELOOP/],
    ['kernel for lowerdir+=', 'fsconfig', {}, /Linux 6\.7/],
    ['kernel for data-only layers', 'mount', { data: entries('/d'), ...options({ metacopy: 'on' }) }, /Linux 6\.5/],
    ['kernel for data-only layers alone', 'mount', { data: entries('/d') }, /Linux 6\.16/],
    ['kernel for fsync', 'mount', options({ fsync: 'strict' }), /Linux 6\.18/],
    ['kernel for uuid=on', 'mount', options({ uuid: 'on' }), /Linux 6\.6 .*uuid=on/],
    ['comma', 'fsconfig', lower('/a,b'), /comma.*mount form/],
    ['userxattr is added', 'unshare', {}, /userxattr is added/],
    [
      'dropped in a user namespace',
      'unshare',
      options({ index: 'on', nfs_export: 'on' }),
      /drops index=on and nfs_export=on/,
    ],
    ['metacopy without root', 'unshare', options({ metacopy: 'on' }), /needs userxattr.*metacopy/],
    ['redirects without root', 'unshare', options({ redirect_dir: 'off' }), /redirect_dir=off/],
    ['metacopy with fuse-overlayfs', 'fuse-overlayfs', options({ metacopy: 'on' }), /zeros/],
    ['redirects with fuse-overlayfs', 'fuse-overlayfs', options({ redirect_dir: 'on' }), /shows empty/],
    [
      'options fuse-overlayfs lacks',
      'fuse-overlayfs',
      options({ xino: 'on', verity: 'require', index: 'off' }),
      /no such option: xino=on, verity=require/,
    ],
    ['data-only with fuse-overlayfs', 'fuse-overlayfs', { data: entries('/d') }, /data-only/],
    ['colon with fuse-overlayfs', 'fuse-overlayfs', lower('/c:d'), /1\.15/],
    ['no workdir with fuse-overlayfs', 'fuse-overlayfs', { upper: { path: '/u', workdir: '' } }, /workdir/],
  ])('%s', (_, form, change, expected) => {
    expect(warnings(form, change)).toMatch(expected);
  });

  test.each<[CommandForm, Partial<Composition>]>([
    ['unshare', options({ metacopy: 'on' })],
    ['fuse-overlayfs', { data: entries('/d') }],
    ['fuse-overlayfs', lower('/c:d')],
    ...COMMAND_FORMS.map((form): [CommandForm, Partial<Composition>] => [form, { lowers: [] }]),
  ])('%s cannot say %j, and says so', (form, change) => {
    expect(text(form, change)).toBeNull();
    expect(warnings(form, change)).not.toBe('');
  });

  test('an ordinary stack has none', () => {
    for (const form of ['mount', 'fstab', 'systemd', 'fuse-overlayfs', 'lamina'] as const)
      expect(warnings(form)).toBe('');
  });

  test('two slashes at the start of a lower name no plugin of fuse-overlayfs', () => {
    expect(text('fuse-overlayfs', lower('//a//b'))).toContain('lowerdir=/a//b:/l1 ');
  });

  test('volatile is what fuse-overlayfs takes too, its commas and backslashes libfuse unescapes', () => {
    expect(text('fuse-overlayfs', { ...lower('/a,b\\c'), options: { fsync: 'volatile' } })).toBe(
      "fuse-overlayfs -o 'lowerdir=/a\\,b\\\\c:/l1,volatile' /merged",
    );
  });
});

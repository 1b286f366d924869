// SPDX-License-Identifier: MIT
import * as v from 'valibot';
import type { AnalysisProgress, AnalysisTotals, Hiding } from './analysis';
import { CHANGE_KINDS, type Change, type ChangeCounts, type DiscardItem, type DiscardPlan } from './changes';
import { COMPARE_KINDS, type CompareDetail, type CompareRow, type CompareSummary } from './compare';
import type { Composition } from './composition';
import type { Image, ImageLayer, Platform } from './images';
import type { JobInfo } from './jobs';
import type { Explanation, EntryRow, Preview } from './view';

/**
 * The only place where an IPC call or event exists. Main validates the parameters with the schema; the renderer
 * gets the types. Answers come in an envelope (`Answer`), because Electron keeps only the message of a thrown error.
 */

const id = v.pipe(v.string(), v.minLength(1), v.maxLength(64));
/** A path as a byte string: absolute, no NUL. PATH_MAX with room. */
const path = v.pipe(v.string(), v.maxLength(8192), v.regex(/^\/[\u0001-\u00ff]*$/));
/** An empty path means "none chosen yet". */
const pathOrEmpty = v.union([path, v.literal('')]);
const nodeNumber = v.pipe(v.number(), v.integer(), v.minValue(0));

const changePaths = v.nullable(v.pipe(v.array(path), v.maxLength(100_000)));
const pageSize = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000));
const token = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

export const OptionValuesSchema = v.strictObject({
  metacopy: v.optional(v.picklist(['on', 'off'])),
  redirect_dir: v.optional(v.picklist(['on', 'follow', 'nofollow', 'off'])),
  volatile: v.optional(v.literal(true)),
  index: v.optional(v.picklist(['on', 'off'])),
  nfs_export: v.optional(v.picklist(['on', 'off'])),
  xino: v.optional(v.picklist(['on', 'auto', 'off'])),
  userxattr: v.optional(v.literal(true)),
  verity: v.optional(v.picklist(['on', 'require', 'off'])),
  uuid: v.optional(v.picklist(['auto', 'on', 'off', 'null'])),
  fsync: v.optional(v.picklist(['auto', 'strict', 'volatile'])),
  default_permissions: v.optional(v.literal(true)),
});

const layer = v.strictObject({ id, path });

const upper = v.strictObject({ path, workdir: pathOrEmpty });

export const CompositionSchema = v.strictObject({
  id,
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  upper: v.nullable(upper),
  lowers: v.pipe(v.array(layer), v.maxLength(2000)),
  data: v.pipe(v.array(layer), v.maxLength(2000)),
  options: OptionValuesSchema,
  mountpoint: v.nullable(path),
});

export const SettingsSchema = v.strictObject({
  theme: v.picklist(['system', 'light', 'dark']),
  showHidden: v.boolean(),
  transport: v.picklist(['auto', 'direct', 'fuse-native']),
});
export type Settings = v.InferOutput<typeof SettingsSchema>;

export const COMMAND_FORMS = ['mount', 'fsconfig', 'fstab', 'systemd', 'unshare', 'fuse-overlayfs', 'lamina'] as const;
export type CommandForm = (typeof COMMAND_FORMS)[number];

/** Parameters of each call. */
const digest = v.pipe(v.string(), v.maxLength(200), v.regex(/^[a-z0-9]+:[0-9a-f]+$/));
/** A reference, a name or a path as somebody types it. */
const typed = v.pipe(v.string(), v.minLength(1), v.maxLength(8192));

const subject = v.variant('kind', [
  v.strictObject({ kind: v.literal('composition'), composition: CompositionSchema }),
  v.strictObject({ kind: v.literal('image'), image: digest }),
  v.strictObject({
    kind: v.literal('layers'),
    folders: v.pipe(v.array(path), v.minLength(1), v.maxLength(2000)),
    /** The overlay's marks are `user.*` attributes. */
    userxattr: v.boolean(),
  }),
]);

const platform = v.strictObject({
  os: v.pipe(v.string(), v.maxLength(100)),
  architecture: v.pipe(v.string(), v.maxLength(100)),
  variant: v.optional(v.pipe(v.string(), v.maxLength(100))),
});

/** Forms of files and folders that an image can be written in. */
export const DESTINATION_FORMS = ['oci', 'oci-archive', 'docker-archive'] as const;
export type DestinationForm = (typeof DESTINATION_FORMS)[number];

export const ANALYSIS_LISTS = ['inefficient', 'biggest', 'hidden', 'duplicates'] as const;
export type AnalysisListName = (typeof ANALYSIS_LISTS)[number];

export const REQUESTS = {
  'app.state': v.strictObject({}),
  /** The window shows its first view, fonts and all; `--screenshot` waits for it. */
  'app.settled': v.strictObject({}),
  'settings.set': v.partial(SettingsSchema),
  'compositions.save': v.strictObject({ composition: CompositionSchema }),
  'compositions.remove': v.strictObject({ id }),
  'compositions.select': v.strictObject({ id }),
  /** Opens the folder dialog; answers with the chosen paths, none when cancelled. */
  'layers.choose': v.strictObject({ title: v.pipe(v.string(), v.maxLength(100)), multiple: v.boolean() }),
  /** Paths from text that the user pasted or typed, one a line; file:// URIs too. */
  'layers.parse': v.strictObject({ text: v.pipe(v.string(), v.maxLength(65536)) }),
  /** What is known of folders before or while they are layers. */
  'layers.inspect': v.strictObject({ paths: v.pipe(v.array(path), v.maxLength(500)) }),
  /** Opens a folder in the file manager. */
  'layers.reveal': v.strictObject({ path }),
  'view.open': v.strictObject({ composition: CompositionSchema }),
  'view.close': v.strictObject({ view: id }),
  'view.children': v.strictObject({
    view: id,
    node: nodeNumber,
    offset: nodeNumber,
    limit: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000)),
    hidden: v.boolean(),
  }),
  'view.explain': v.strictObject({ view: id, node: nodeNumber }),
  /** By path, visible or not ("why is this not here"). UTF-8 text as typed. */
  'view.explainPath': v.strictObject({ view: id, path: v.pipe(v.string(), v.maxLength(8192)) }),
  'view.preview': v.strictObject({ view: id, node: nodeNumber }),
  /** What the upper changes: searched piece by piece with each `follow`, read in pages. */
  'changes.open': v.strictObject({ composition: CompositionSchema }),
  'changes.follow': v.strictObject({ changes: id }),
  'changes.page': v.strictObject({
    changes: id,
    kinds: v.array(v.picklist(CHANGE_KINDS)),
    /** Part of a path as it is shown, in any case. */
    text: v.pipe(v.string(), v.maxLength(8192)),
    offset: nodeNumber,
    limit: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000)),
  }),
  'changes.close': v.strictObject({ changes: id }),
  /** Exactly what discarding would take away; `paths` null for all changes. */
  'changes.plan': v.strictObject({ composition: CompositionSchema, paths: changePaths }),
  /** Carries out the plan with that token, or refuses where the upper is another by now. */
  'changes.discard': v.strictObject({ composition: CompositionSchema, paths: changePaths, token }),
  /** What is in an upper, for the question whether to empty it. */
  'upper.survey': v.strictObject({ upper }),
  /** Takes the marker of a volatile mount away: the upper is used as it is. */
  'upper.accept': v.strictObject({ upper }),
  /** Removes all that is in the upper and the workdir; refuses where it is not what the survey said. */
  'upper.empty': v.strictObject({ upper, objects: nodeNumber, bytes: nodeNumber }),
  'command.render': v.strictObject({ composition: CompositionSchema, form: v.picklist(COMMAND_FORMS) }),
  /** Renders again in main and saves by dialog; answers with the path, null when cancelled. */
  'command.save': v.strictObject({ composition: CompositionSchema, form: v.picklist(COMMAND_FORMS) }),
  'clipboard.write': v.strictObject({ text: v.pipe(v.string(), v.maxLength(1 << 20)) }),
  'mounts.list': v.strictObject({}),
  'mounts.start': v.strictObject({ composition: CompositionSchema, mountpoint: path }),
  'mounts.stop': v.strictObject({ id }),
  /** Opens the mount point in the file manager. */
  'mounts.reveal': v.strictObject({ id }),
  /** What the mount has done since it was made. */
  'mounts.activity': v.strictObject({ id }),
  /** The images of the store, without their layers. */
  'images.list': v.strictObject({}),
  'images.detail': v.strictObject({ image: digest }),
  /** Images that other tools on this machine keep, by tool; nothing is copied for it. */
  'images.found': v.strictObject({}),
  /** What a reference, a name or a path leads to: the platforms that it has. */
  'images.look': v.strictObject({ source: typed }),
  /** `inPlace`: the layers stay where their keeper has them. */
  'images.import': v.strictObject({ source: typed, platform: v.nullable(platform), inPlace: v.boolean() }),
  /** `destination` as `lamina image export` and `push` take it; a bare `HOST/REPOSITORY` is pushed to. */
  'images.export': v.strictObject({ image: digest, destination: typed }),
  /** The upper of a composition as a new layer on a base image; without one all layers become one. */
  'images.commit': v.strictObject({
    composition: CompositionSchema,
    base: v.nullable(digest),
    name: typed,
    message: v.pipe(v.string(), v.maxLength(4096)),
  }),
  'images.tag': v.strictObject({ image: digest, name: typed }),
  'images.untag': v.strictObject({ name: typed }),
  /** Takes all names away; the layers are garbage then, unless others have them. */
  'images.remove': v.strictObject({ image: digest }),
  /** Exactly what `images.collect` takes away. */
  'images.garbage': v.strictObject({}),
  'images.collect': v.strictObject({ token: v.pipe(v.string(), v.maxLength(200)) }),
  /** Opens the dialog for a file, or for a folder, that is an image. */
  'images.choose': v.strictObject({ what: v.picklist(['file', 'folder']) }),
  /** Opens the dialog for where an image goes; answers with a destination, null when cancelled. */
  'images.chooseDestination': v.strictObject({
    form: v.picklist(DESTINATION_FORMS),
    name: v.pipe(v.string(), v.maxLength(300)),
  }),
  'jobs.list': v.strictObject({}),
  'jobs.cancel': v.strictObject({ job: id }),
  'jobs.retry': v.strictObject({ job: id }),
  /** Takes a job that is over off the list; all of them without one. */
  'jobs.dismiss': v.strictObject({ job: v.nullable(id) }),
  /** Analyses a subject, in a thread of its own until `analysis.close`; `analysis.follow` says how far it is. */
  'analysis.open': v.strictObject({ subject }),
  'analysis.follow': v.strictObject({ analysis: id }),
  'analysis.list': v.strictObject({
    analysis: id,
    list: v.picklist(ANALYSIS_LISTS),
    offset: nodeNumber,
    limit: pageSize,
  }),
  /** The space below a directory, for a picture: a few levels, small things taken together. */
  'analysis.tiles': v.strictObject({ analysis: id, node: nodeNumber }),
  'analysis.close': v.strictObject({ analysis: id }),
  /** Compares two subjects, in a thread of its own until `compare.close`. */
  'compare.open': v.strictObject({ left: subject, right: subject }),
  'compare.follow': v.strictObject({ compare: id }),
  'compare.page': v.strictObject({
    compare: id,
    kinds: v.array(v.picklist(COMPARE_KINDS)),
    text: v.pipe(v.string(), v.maxLength(8192)),
    folded: v.pipe(v.array(nodeNumber), v.maxLength(100_000)),
    offset: nodeNumber,
    limit: pageSize,
  }),
  'compare.detail': v.strictObject({ compare: id, node: nodeNumber }),
  'compare.close': v.strictObject({ compare: id }),
  /** The last lines that its process wrote. */
  'mounts.log': v.strictObject({ id, lines: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000)) }),
} as const;

export type RequestName = keyof typeof REQUESTS;
/** A caller only hands over, so what it has may be read-only. */
export type RequestParams<N extends RequestName> = Frozen<v.InferInput<(typeof REQUESTS)[N]>>;
type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

/** What the machine is, for the status bar and for advice. */
export interface HostInfo {
  readonly kernel: string;
  readonly uid: number;
  readonly fuse: boolean;
  readonly version: string;
}

export interface LayerFacts {
  readonly path: string;
  readonly display: string;
  readonly ok: boolean;
  /** File system name as in mountinfo (`ext4`), null when the path cannot be read. */
  readonly filesystem: string | null;
  /** Why it cannot be a layer, with the way out. */
  readonly problem: string | null;
  /** As a workdir: a volatile mount has left its marker, and no mount takes it (semantics 6). */
  readonly volatile: boolean;
}

export interface MountInfo {
  readonly id: string;
  readonly name: string;
  readonly mountpoint: string;
  readonly display: string;
  readonly transport: 'direct' | 'fuse-native';
  readonly pid: number;
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly compositionId: string | null;
  /** `mount -o` text with all layers, as `lamina mount` takes it. */
  readonly options: string;
}

/** What a mount has done since it was made, by its process's own count. */
export interface MountActivity {
  readonly transport: MountInfo['transport'];
  /** Requests of the kernel, by FUSE opcode. */
  readonly requests: Readonly<Record<string, number>>;
  /** Answers that were errors, but for names that are not there. */
  readonly errors: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly copyUps: number;
  readonly copyUpBytes: number;
  /** Resident memory of the process, bytes. */
  readonly memory: number;
}

export interface RenderedCommand {
  readonly form: CommandForm;
  /** Null where the form cannot express the composition; then `warnings` say why. */
  readonly text: string | null;
  readonly warnings: readonly string[];
  /** Name proposed for Save. */
  readonly filename: string;
}

export interface AppState {
  readonly settings: Settings;
  readonly compositions: readonly Composition[];
  readonly currentId: string;
  readonly host: HostInfo;
  readonly mounts: readonly MountInfo[];
  /** Things to tell once, as "the settings file was damaged and set aside as …". */
  readonly notices: readonly string[];
  /** Path in the merged tree to select at start (`--select`). */
  readonly select: string | null;
}

export interface OpenView {
  readonly view: string;
  readonly root: EntryRow;
}

export interface ChildrenPage {
  /** Names in the directory under the given filter. */
  readonly total: number;
  readonly rows: readonly EntryRow[];
}

export interface ChangeRow extends Change {
  readonly display: string;
  readonly oldDisplay: string | null;
}

/** How the search for changes stands. Pages are asked for again when `version` has moved. */
export interface ChangesStatus {
  readonly version: number;
  readonly total: number;
  readonly counts: ChangeCounts;
  /** A search has not come to its end: ask again at once. */
  readonly searching: boolean;
  /** One search has come to its end: nothing is missing. */
  readonly searched: boolean;
  /** Names of the upper looked at in this search. */
  readonly seen: number;
}

export interface ChangesPage {
  readonly version: number;
  /** Changes under the given filter. */
  readonly total: number;
  readonly rows: readonly ChangeRow[];
}

export interface PlannedItem extends DiscardItem {
  readonly display: string;
  readonly oldDisplay: string | null;
}

export interface ShownPlan extends Omit<DiscardPlan, 'items'> {
  readonly items: readonly PlannedItem[];
  /** Mount point of the live mount that the discard goes through, null where there is none. */
  readonly through: string | null;
}

/** What is in an upper: objects and whiteouts, and the bytes of its files. */
export interface UpperSurvey {
  readonly objects: number;
  readonly bytes: number;
}

/** An image in the list: all but its layers and its configuration. */
export interface ImageRow extends Omit<Image, 'layers' | 'config'> {
  /** How many, and how many of them other images have too. */
  readonly layerCount: number;
  readonly sharedLayers: number;
  /** Who keeps its layers; `store` as soon as one is in the store. */
  readonly keeper: ImageLayer['keeper'];
}

/** An image that another tool on this machine keeps, or the stack of an overlay mount. */
export interface FoundRow {
  /** What `images.import` takes; the mount point of a mount, which is no image. */
  readonly source: string;
  readonly name: string;
  readonly id: string;
  readonly platform: Platform | null;
  readonly layers: readonly string[];
}

/** What one tool has. Layers are folders, the top one first. */
export interface FoundStore {
  readonly keeper: Exclude<ImageLayer['keeper'], 'store'>;
  readonly images: readonly FoundRow[];
}

export interface FoundOnMachine {
  readonly stores: readonly FoundStore[];
  /** Why a store that is there cannot be read. */
  readonly problems: readonly ErrorReport[];
}

export interface LookedAt {
  /** In the notation of `lamina image import`. */
  readonly notation: string;
  readonly platforms: readonly Platform[];
  /** The one of this machine, where it is among them. */
  readonly own: Platform | null;
}

/** What a collection takes away from the store. */
export interface GarbageView {
  readonly items: readonly {
    readonly what: 'image' | 'layer' | 'blob' | 'partial' | 'inUse';
    readonly name: string;
    readonly bytes: number;
  }[];
  readonly bytes: number;
  readonly token: string;
}

/** How an analysis stands; `totals` once it is done. */
export interface AnalysisStatus {
  readonly progress: AnalysisProgress;
  readonly totals: AnalysisTotals | null;
}

/** A line of one of the lists of an analysis. */
export interface AnalysisLine {
  readonly display: string;
  /** The layers that have it, 0 the lowest; none where the list does not say. */
  readonly layers: readonly number[];
  readonly bytes: number;
  /** How often it is stored. */
  readonly count: number;
  /** Bytes that need not be there. */
  readonly spare: number;
  readonly hidden: { readonly by: number; readonly how: Hiding } | null;
  /** Of duplicates: the other paths, the first few. */
  readonly others: readonly string[];
}

export interface AnalysisPage {
  readonly total: number;
  readonly lines: readonly AnalysisLine[];
}

/** A part of the picture of space. */
export interface SpaceTile {
  /** Null for what is too small to be shown apart. */
  readonly node: number | null;
  readonly name: string;
  readonly path: string;
  /** Bytes that all layers store at and below it. */
  readonly bytes: number;
  /** Of those the ones that the finished tree does not show. */
  readonly hiddenBytes: number;
  /** The layer that most of the bytes are in. */
  readonly layer: number;
  readonly isDirectory: boolean;
  readonly children: readonly SpaceTile[];
}

export interface CompareStatus {
  readonly names: number;
  /** Null until the comparison is done. */
  readonly summary: CompareSummary | null;
}

export interface ComparePage {
  /** Lines under the given filter, directories among them. */
  readonly total: number;
  readonly rows: readonly CompareRow[];
}

export interface Results {
  'app.state': AppState;
  'app.settled': null;
  'settings.set': Settings;
  'compositions.save': null;
  'compositions.remove': null;
  'compositions.select': null;
  'layers.choose': { readonly paths: readonly string[] };
  'layers.parse': { readonly paths: readonly string[] };
  'layers.inspect': { readonly facts: readonly LayerFacts[] };
  'layers.reveal': null;
  'view.open': OpenView;
  'view.close': null;
  'view.children': ChildrenPage;
  'view.explain': Explanation;
  'view.explainPath': Explanation;
  'view.preview': Preview;
  'changes.open': { readonly changes: string };
  'changes.follow': ChangesStatus;
  'changes.page': ChangesPage;
  'changes.close': null;
  'changes.plan': ShownPlan;
  'changes.discard': null;
  'upper.survey': UpperSurvey;
  'upper.accept': null;
  'upper.empty': null;
  'command.render': RenderedCommand;
  'command.save': { readonly path: string | null };
  'clipboard.write': null;
  'mounts.list': { readonly mounts: readonly MountInfo[] };
  'mounts.start': MountInfo;
  'mounts.stop': null;
  'mounts.reveal': null;
  'mounts.activity': MountActivity;
  'mounts.log': { readonly lines: readonly string[] };
  'images.list': { readonly images: readonly ImageRow[] };
  'images.detail': Image;
  'images.found': FoundOnMachine;
  'images.look': LookedAt;
  'images.import': { readonly job: string };
  'images.export': { readonly job: string };
  'images.commit': { readonly job: string };
  'images.tag': { readonly name: string };
  'images.untag': null;
  'images.remove': null;
  'images.garbage': GarbageView;
  'images.collect': null;
  'images.choose': { readonly path: string | null };
  'images.chooseDestination': { readonly destination: string | null };
  'jobs.list': { readonly jobs: readonly JobInfo[] };
  'jobs.cancel': null;
  'jobs.retry': null;
  'jobs.dismiss': null;
  'analysis.open': { readonly analysis: string };
  'analysis.follow': AnalysisStatus;
  'analysis.list': AnalysisPage;
  'analysis.tiles': SpaceTile;
  'analysis.close': null;
  'compare.open': { readonly compare: string };
  'compare.follow': CompareStatus;
  'compare.page': ComparePage;
  'compare.detail': CompareDetail;
  'compare.close': null;
}

/** Sent by main without being asked. */
export interface Events {
  'mounts.changed': { readonly mounts: readonly MountInfo[] };
  /** At most ten times a second. */
  'jobs.changed': { readonly jobs: readonly JobInfo[] };
  /** Images have come, gone, or got other names. */
  'images.changed': Record<never, never>;
}
export type EventName = keyof Events;
export const EVENTS = ['mounts.changed', 'jobs.changed', 'images.changed'] as const satisfies readonly EventName[];

/** An error as the window shows it: what failed, and the way out. */
export interface ErrorReport {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ErrorReport };

/** All that the preload script gives the page, as `window.lamina`. */
export interface Bridge {
  invoke<N extends RequestName>(name: N, params: RequestParams<N>): Promise<Answer<Results[N]>>;
  /** Returns the function that ends the subscription. */
  subscribe<N extends EventName>(name: N, listener: (event: Events[N]) => void): () => void;
  /** Paths (byte strings) of folders dropped from a file manager. */
  pathsFromDrop(files: readonly File[]): readonly string[];
}

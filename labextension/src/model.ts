/**
 * The sessions of this server and what is live of each. Everything that is shown is drawn from here.
 *
 * Which sessions there are comes from the server, again and again; executors, jobs and tasks come from their
 * kernels as they change.
 */

import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { IActions, IAnswer, IServerAnswer } from 'sparkk8s-views/actions.js';
import { actionsOver } from 'sparkk8s-views/actions.js';
import type { IProblem, ISessionInfo, ISessionList } from './api';
import { ApiError, isLive } from './api';
import type { SessionLine } from './comm';
import type { IFrame } from './wire';
import { runningExecutors, runningTasks } from './wire';

/** Milliseconds between two looks where the server does not answer: at most. */
const LONGEST = 60_000;

const refusal = (): Promise<IAnswer> =>
  Promise.resolve({
    problem: 'This session may only be looked at from here.',
    fix: 'What is to be done with it is done in its notebook.'
  });

const LOOK_ONLY: IActions = {
  scale: refusal,
  cancel: refusal,
  cancelAll: refusal,
  stop: refusal,
  log: refusal,
  dispose: () => undefined
};

/** One session. */
export class SparkSession implements IDisposable {
  /**
   * @param info - Its record.
   * @param line - The line to its kernel; null where there is none.
   * @param act - How the server brings an action to its kernel.
   */
  constructor(
    info: ISessionInfo,
    readonly line: SessionLine | null,
    act: (command: object) => Promise<IServerAnswer>
  ) {
    this._info = info;
    this.actions = line === null || info.readonly ? LOOK_ONLY : actionsOver(line, { server: act });
    line?.changed.connect(this._onLine, this);
  }

  /** What can be done with it; each refuses, in words, where it may only be looked at. */
  readonly actions: IActions;

  get info(): ISessionInfo {
    return this._info;
  }

  set info(info: ISessionInfo) {
    this._info = info;
    this._changed.emit();
  }

  get name(): string {
    return this._info.name;
  }

  /** The last good frame of it; null while its kernel has told nothing (of this session). */
  get frame(): IFrame | null {
    const frame = this.line?.frame ?? null;
    return frame?.session?.name === this.name ? frame : null;
  }

  /** What is wrong with the line to its kernel. */
  get trouble(): string {
    return this.line?.isDisposed === true ? 'The kernel of this session restarts, or is gone.' : (this.line?.trouble ?? '');
  }

  /** A new frame, another record, other trouble. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) return;
    this._isDisposed = true;
    this.line?.changed.disconnect(this._onLine, this);
    this.actions.dispose();
    Signal.clearData(this);
  }

  private _onLine(): void {
    this._changed.emit();
  }

  private _info: ISessionInfo;
  private _isDisposed = false;
  private readonly _changed = new Signal<this, void>(this);
}

export interface IModelOptions {
  /** Asks the server for the sessions. */
  list(): Promise<ISessionList>;
  /** Opens a line to a kernel. */
  connect(kernelId: string): SessionLine;
  /** Lets the server bring an action to a kernel. */
  act(kernelId: string, command: object): Promise<IServerAnswer>;
  /** Seconds between two looks. */
  interval: number;
  /** When not to look. */
  standby?: Poll.Standby;
}

export class SparkModel implements IDisposable {
  constructor(private readonly options: IModelOptions) {
    this._poll = new Poll({
      name: 'sparkk8s-nb:sessions',
      factory: () => this._look(),
      frequency: { interval: 1000 * options.interval, backoff: true, max: LONGEST },
      standby: options.standby ?? 'when-hidden'
    });
  }

  /** The sessions, by name. */
  get sessions(): readonly SparkSession[] {
    return this._sessions;
  }

  /** What is wrong with the server, and what to do; the sessions are those from before. */
  get problem(): IProblem | null {
    return this._problem;
  }

  /** Whether the server has answered at least once. */
  get isReady(): boolean {
    return this._isReady;
  }

  /** Another list of sessions, or another problem. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Something of one session is new. */
  get sessionChanged(): ISignal<this, SparkSession> {
    return this._sessionChanged;
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  /** Executors that run, of all sessions. */
  get executors(): number {
    return this._sessions.reduce((sum, { frame }) => sum + runningExecutors(frame), 0);
  }

  /** Tasks that run, of all sessions. */
  get tasks(): number {
    return this._sessions.reduce((sum, { frame }) => sum + runningTasks(frame), 0);
  }

  /** The session of that name. */
  find(name: string): SparkSession | null {
    return this._sessions.find(session => session.name === name) ?? null;
  }

  /** The session of a notebook, by its path. */
  ofNotebook(path: string): SparkSession | null {
    return this._sessions.find(session => session.info.path === path) ?? null;
  }

  /** Look from now on every so many seconds. */
  set interval(seconds: number) {
    this._poll.frequency = { ...this._poll.frequency, interval: 1000 * seconds };
  }

  /** Look now. */
  async refresh(): Promise<void> {
    await this._poll.refresh();
    // A look that fails has said so in `problem`.
    await this._poll.tick.catch(() => undefined);
  }

  /** Tell all kernels that this page goes away. */
  abandon(): void {
    for (const line of this._lines.values()) line.abandon();
  }

  dispose(): void {
    if (this.isDisposed) return;
    this._poll.dispose();
    for (const session of this._sessions) session.dispose();
    for (const line of this._lines.values()) line.dispose();
    this._lines.clear();
    Signal.clearData(this);
  }

  private async _look(): Promise<void> {
    let list: ISessionList;
    try {
      list = await this.options.list();
    } catch (error) {
      this._problem =
        error instanceof ApiError
          ? error
          : { problem: `Looking for sessions failed: ${String(error)}.`, fix: 'If this stays, reload this page.' };
      this._changed.emit();
      throw error;
    }
    if (this.isDisposed) return;
    this._isReady = true;
    this._problem = list.problem;
    this._take(list.sessions);
    this._changed.emit();
  }

  private _take(infos: readonly ISessionInfo[]): void {
    const before = new Map(this._sessions.map(session => [session.name, session]));
    this._sessions = [...infos].sort((a, b) => a.name.localeCompare(b.name)).map(info => this._session(info, before));
    const kept = new Set(this._sessions);
    for (const session of before.values()) if (!kept.has(session)) session.dispose();
    const used = new Set(this._sessions.map(session => session.line));
    for (const [kernelId, line] of this._lines) {
      if (used.has(line)) continue;
      this._lines.delete(kernelId);
      line.dispose();
    }
  }

  private _session(info: ISessionInfo, before: ReadonlyMap<string, SparkSession>): SparkSession {
    const line = this._line(info);
    const known = before.get(info.name);
    if (known !== undefined && known.line === line) {
      known.info = info;
      return known;
    }
    const session = new SparkSession(info, line, command => this.options.act(info.kernel_id ?? '', command));
    session.changed.connect(changed => {
      this._sessionChanged.emit(changed);
    });
    return session;
  }

  /** The line to a session's kernel; one whose session is over has none. */
  private _line(info: ISessionInfo): SessionLine | null {
    const kernelId = info.kernel_id;
    if (kernelId === null || !isLive(info)) return null;
    let line = this._lines.get(kernelId);
    if (line === undefined) {
      line = this.options.connect(kernelId);
      this._lines.set(kernelId, line);
      line.ended.connect(this._onEnded, this);
    }
    return line;
  }

  /** The next look opens another one, if there is a session to look at. */
  private _onEnded(ended: SessionLine): void {
    for (const [kernelId, line] of this._lines) if (line === ended) this._lines.delete(kernelId);
    ended.dispose();
    for (const session of this._sessions) if (session.line === ended) this._sessionChanged.emit(session);
  }

  private readonly _poll: Poll<void>;
  private readonly _lines = new Map<string, SessionLine>();
  private readonly _changed = new Signal<this, void>(this);
  private readonly _sessionChanged = new Signal<this, SparkSession>(this);
  private _sessions: readonly SparkSession[] = [];
  private _problem: IProblem | null = null;
  private _isReady = false;
}

/**
 * The other sessions of the namespace, other users' too: nothing can be done with them from here.
 *
 * The server asks the cluster for them, so they are asked for only while somebody looks at them; and once when the
 * panel is first seen, to know whether they can be listed at all.
 */

import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { INamespaceList, IOtherSession, IProblem } from './api';
import { ApiError } from './api';

/** Milliseconds between two looks: the server's list holds as long. */
const INTERVAL = 30_000;

/** Milliseconds between two looks that fail: at most. */
const LONGEST = 300_000;

export class NamespaceModel implements IDisposable {
  /**
   * @param list - Asks the server.
   * @param standby - When not to look, though somebody would.
   */
  constructor(
    private readonly list: () => Promise<INamespaceList>,
    standby: Poll.Standby = 'when-hidden'
  ) {
    this._poll = new Poll({
      name: 'sparkk8s-nb:namespace',
      auto: false,
      factory: () => this._ask(),
      frequency: { interval: INTERVAL, backoff: true, max: LONGEST },
      standby
    });
  }

  /** The sessions; null before the first answer. */
  get sessions(): readonly IOtherSession[] | null {
    return this._sessions;
  }

  /** How many there are beyond those. */
  get more(): number {
    return this._more;
  }

  /** Why they cannot be listed. */
  get problem(): IProblem | null {
    return this._problem;
  }

  /** There is another answer. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  /** Look now, and then again and again; or do not. */
  watch(isWatched: boolean): void {
    if (this.isDisposed || isWatched === this._isWatched) return;
    this._isWatched = isWatched;
    void (isWatched ? this._poll.start() : this._poll.stop());
  }

  /** Look once. */
  async look(): Promise<void> {
    // A look that fails has said so in `problem`.
    await this._ask().catch(() => undefined);
  }

  dispose(): void {
    if (this.isDisposed) return;
    this._poll.dispose();
    Signal.clearData(this);
  }

  private async _ask(): Promise<void> {
    try {
      this._take(await this.list());
    } catch (error) {
      const problem = error instanceof ApiError ? error : { problem: String(error), fix: '' };
      this._take({ sessions: [...(this._sessions ?? [])], more: this._more, problem });
      throw error;
    }
  }

  private _take({ sessions, more, problem }: INamespaceList): void {
    if (this.isDisposed) return;
    this._sessions = sessions;
    this._more = more;
    this._problem = problem;
    this._changed.emit();
  }

  private readonly _poll: Poll<void>;
  private readonly _changed = new Signal<this, void>(this);
  private _sessions: readonly IOtherSession[] | null = null;
  private _more = 0;
  private _problem: IProblem | null = null;
  private _isWatched = false;
}

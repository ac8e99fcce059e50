/** The item in the status bar: executors and running tasks of all sessions. */

import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';

import { plural, setText } from 'sparkk8s-views/shared.js';
import { isLive } from './api';
import { panelButton } from './components/panelbutton';
import type { SparkModel } from './model';

export class SparkStatus extends Widget {
  /**
   * @param open - Shows the panel.
   */
  constructor(
    private readonly model: SparkModel,
    open: () => void
  ) {
    super();
    this.addClass('jp-Spark-status');
    this._button = panelButton('', 'Spark executors and running tasks: open the Spark panel', open);
    this.node.append(this._button);
    model.changed.connect(this._refresh, this);
    model.sessionChanged.connect(this._refresh, this);
    this._refresh();
  }

  /** Whether there is anything to show. */
  get isActive(): boolean {
    return this._isActive;
  }

  get activeChanged(): ISignal<this, void> {
    return this._activeChanged;
  }

  /** Whoever asks whether it is active may get another answer now. */
  announce(): void {
    this._activeChanged.emit();
  }

  dispose(): void {
    if (this.isDisposed) return;
    this.model.changed.disconnect(this._refresh, this);
    this.model.sessionChanged.disconnect(this._refresh, this);
    super.dispose();
  }

  private _refresh(): void {
    const { executors, sessions, tasks } = this.model;
    const live = sessions.filter(({ info }) => isLive(info));
    const isStarting = executors === 0 && live.every(({ info }) => info.state === 'starting');
    const counts = `${plural(executors, 'executor')} · ${plural(tasks, 'task')}`;
    setText(this._button, `Spark: ${isStarting ? 'starting' : counts}`);
    const isActive = live.length > 0;
    if (isActive === this._isActive) return;
    this._isActive = isActive;
    this._activeChanged.emit();
  }

  private readonly _button: HTMLButtonElement;
  private readonly _activeChanged = new Signal<this, void>(this);
  private _isActive = false;
}

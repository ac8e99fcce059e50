/** The item in the status bar: executors and running tasks of all sessions. */

import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';

import { button, setText } from './components/dom';
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
    this._button = button('', 'Spark executors and running tasks: open the Spark panel', open);
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
    setText(this._button, `Spark: ${plural(executors, 'executor')} · ${plural(tasks, 'task')}`);
    const isActive = sessions.some(({ info }) => info.state === 'running');
    if (isActive === this._isActive) return;
    this._isActive = isActive;
    this._activeChanged.emit();
  }

  private readonly _button: HTMLButtonElement;
  private readonly _activeChanged = new Signal<this, void>(this);
  private _isActive = false;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

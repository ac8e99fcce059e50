/** One of the shared views in a widget: drawn only while it is seen, and never the worse for a bad frame. */

import { Widget } from '@lumino/widgets';

import type { IFrame } from '../wire';

/** What the ES modules' views have in common. */
export interface IDrawing {
  show(frame: object): void;
  say(text: string): void;
  tick(): void;
  dispose(): void;
}

const UNREADABLE = 'A message could not be drawn; what is shown is from before.';

export class FrameHost extends Widget {
  /**
   * @param make - Makes the view inside of an element.
   */
  constructor(make: (element: HTMLElement) => IDrawing) {
    super();
    this.addClass('jp-Spark-view');
    this._drawing = make(this.node);
  }

  /**
   * Draw a frame; one that cannot be drawn leaves the last good one and a line about it.
   *
   * @param trouble - What is wrong with the line to the kernel, in one line.
   */
  draw(frame: IFrame | null, trouble = ''): void {
    this._next = frame;
    this._trouble = trouble;
    if (this.isVisible) this._redraw();
  }

  /** Count seconds on. */
  tick(): void {
    if (this.isVisible && this._good !== null) this._drawing.tick();
  }

  dispose(): void {
    if (this.isDisposed) return;
    this._drawing.dispose();
    super.dispose();
  }

  protected onAfterShow(): void {
    this._redraw();
  }

  protected onAfterAttach(): void {
    if (this.isVisible) this._redraw();
  }

  private _redraw(): void {
    const frame = this._next;
    if (frame !== null && frame !== this._good) {
      try {
        this._drawing.show(frame);
        this._good = frame;
      } catch {
        // Whatever is wrong with it, the frame before could be drawn.
        this._next = this._good;
        this._trouble = UNREADABLE;
        if (this._good !== null) this._drawing.show(this._good);
      }
    }
    this._drawing.say(this._trouble);
  }

  private readonly _drawing: IDrawing;
  private _next: IFrame | null = null;
  private _good: IFrame | null = null;
  private _trouble = '';
}

/** What is wrong and what to do, at the top of the panel. */

import { Widget } from '@lumino/widgets';

import { element, setText } from 'sparkk8s-views/shared.js';
import type { IProblem } from '../api';

export class Notice extends Widget {
  constructor() {
    super({ node: element('div', 'jp-Spark-notice') });
    this.node.setAttribute('role', 'alert');
    this._problem = element('strong', '');
    this._fix = element('span', '');
    this.node.append(this._problem, this._fix);
    this.hide();
  }

  /** Show a problem, or nothing. */
  tell(problem: IProblem | null): void {
    setText(this._problem, problem?.problem ?? '');
    setText(this._fix, problem?.fix ?? '');
    this.setHidden(problem === null);
  }

  private readonly _problem: HTMLElement;
  private readonly _fix: HTMLElement;
}

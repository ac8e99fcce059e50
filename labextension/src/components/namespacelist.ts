/** The other sessions of the namespace, beneath this server's own: folded, for reading only. */

import { Widget } from '@lumino/widgets';

import { arrange, element, plural, setText } from 'sparkk8s-views/shared.js';
import type { IOtherSession } from '../api';
import type { NamespaceModel } from '../namespace';
import { panelButton } from './panelbutton';

const TITLE = 'Others in the namespace';
const NONE = 'None.';

/** What a state means, where its word does not say it. */
const MEANINGS: Readonly<Record<string, string>> = {
  dead: 'its kernel is proven dead',
  elsewhere: 'held on another machine or in another pod: whether it is alive cannot be told from here'
};

export class NamespaceList extends Widget {
  constructor(private readonly model: NamespaceModel) {
    super({ node: element('section', 'jp-Spark-others') });
    this.node.setAttribute('aria-label', TITLE);
    this._title = panelButton('', `${TITLE}: show or hide them`, () => {
      this._fold(!this._isFolded);
    });
    this._title.classList.add('jp-Spark-link');
    this._body = element('div', 'jp-Spark-othersBody');
    this._none = element('p', 'jp-Spark-note');
    this._none.setAttribute('role', 'status');
    this._rows = element('ul', 'jp-Spark-othersRows');
    this._body.append(this._none, this._rows);
    this.node.append(this._title, this._body);
    model.changed.connect(this._refresh, this);
    this._fold(true);
  }

  /** Whether users want it at all. */
  set isWanted(isWanted: boolean) {
    if (isWanted === this._isWanted) return;
    this._isWanted = isWanted;
    this._look();
  }

  /** Whether the panel is seen: else nothing is asked for. */
  set isSeen(isSeen: boolean) {
    // What could not be listed before may be now.
    if (isSeen && !this._isSeen) this._hasLooked = this.model.sessions !== null && this.model.problem === null;
    this._isSeen = isSeen;
    this._look();
  }

  /** Show it unfolded, also where there is nothing but why the sessions cannot be listed. */
  open(): void {
    this._isAskedFor = true;
    this._fold(false);
  }

  dispose(): void {
    if (this.isDisposed) return;
    this.model.changed.disconnect(this._refresh, this);
    this.model.watch(false);
    super.dispose();
  }

  private _fold(isFolded: boolean): void {
    this._isFolded = isFolded;
    setText(this._title, `${isFolded ? '▸' : '▾'} ${TITLE}`);
    this._title.setAttribute('aria-expanded', String(!isFolded));
    this._body.hidden = isFolded;
    this._look();
  }

  private _look(): void {
    const isLooking = this._isSeen && (this._isWanted || this._isAskedFor);
    this.model.watch(isLooking && !this._isFolded);
    if (isLooking && !this._hasLooked && this._isFolded) void this.model.look();
    this._hasLooked ||= isLooking;
    this._refresh();
  }

  private _refresh(): void {
    const { more, problem, sessions } = this.model;
    const isListed = sessions !== null && (problem === null || sessions.length > 0);
    this.setHidden(!this._isAskedFor && !(this._isWanted && isListed));
    const why = problem === null ? '' : `${problem.problem} ${problem.fix}`.trim();
    setText(this._none, why || (sessions?.length === 0 ? NONE : ''));
    const rows = (sessions ?? []).map(row);
    if (more > 0) rows.push(element('li', 'jp-Spark-note', `and ${plural(more, 'other')}`));
    arrange(this._rows, rows);
  }

  private readonly _title: HTMLButtonElement;
  private readonly _body: HTMLElement;
  private readonly _none: HTMLElement;
  private readonly _rows: HTMLElement;
  private _isFolded = true;
  private _isWanted = false;
  private _isSeen = false;
  private _isAskedFor = false;
  private _hasLooked = false;
}

function row({ age, executors, name, owner, state }: IOtherSession): HTMLLIElement {
  const made = element('li', 'jp-Spark-other');
  const since = age ? `for ${age}` : '';
  const shown = element('span', '', state);
  const meaning = MEANINGS[state];
  if (meaning !== undefined) shown.title = meaning;
  const told = [owner, plural(executors, 'executor'), since].filter(Boolean).join(' · ');
  const line = element('span', 'jp-Spark-otherLine', `${told} · `);
  line.append(shown);
  made.append(element('span', 'jp-Spark-name', name), line);
  return made;
}
